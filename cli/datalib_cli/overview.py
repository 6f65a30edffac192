"""What `datalib` alone says, for those who do not know yet what to ask; and the examples of the help pages."""

from typing import Final

from datalib_cli.base import Output
from datalib_cli.texts import Texts

#: Who needs which commands; everybody who takes a library verifies it.
USERS: Final = {
    "Data engineers": ("init", "sign", "scan", "optout", "attest", "pack", "import"),
    "Owners": ("key", "transfer", "cosign", "withdraw", "policy"),
    "Authors": ("optout declare", "optout embed", "optout explain", "optout verify-receipt"),
    "Auditors": ("verify", "check", "show", "report", "check-page", "prove", "verify-proof"),
    "Training pipelines": ("verify", "policy", "scan"),
    "Sector agencies": ("assemble", "refresh", "catalogue", "export", "log"),
    "Everybody": ("demo", "completion"),
}

#: How the main commands are called, for their help pages; one command a line.
EXAMPLES: Final = {
    "init": """
datalib init speech --producer-id x-demo:lab --producer-name en=Lab --purpose train:asr --source 'Own recordings'
""",
    "sign": """
datalib sign speech --key lab.pem
datalib sign speech --key lab.pem --reason correction
""",
    "verify": """
datalib verify speech --key x-demo:lab=lab.pub.pem
datalib verify speech --policy policy.json --roots roots.json --purpose train:asr
""",
    "prove": "datalib prove speech audio/1.flac -o proof.json",
    "verify-proof": "datalib verify-proof proof.json --manifest datapackage.json --chain chain.jsonl",
    "pack": "datalib pack speech -o speech.tar.gz",
    "check": """
datalib check speech --rules kz,eu
datalib check --explain PD-08
""",
    "show": """
datalib show speech
datalib show sector --all
""",
    "report": "datalib report speech -o report.html --key x-demo:lab=lab.pub.pem",
    "key new": "datalib key new -o lab.pem",
    "transfer offer": """
datalib transfer offer speech --key lab.pem --to x-demo:press --to-name en=Press --basis 'Contract 7' -o offer.json
""",
    "transfer accept": """
datalib transfer accept speech --offer offer.json --key press.pem --policy policy.json --roots roots.json
""",
    "attest": """
datalib attest speech --as x-demo:lab --claim optout --scan scan --key lab.pem
datalib attest speech --as x-demo:lab --claim quality --result pass --key lab.pem
""",
    "withdraw": "datalib withdraw speech --reason 'Consent was withdrawn' --key lab.pem",
    "assemble": """
datalib assemble sector --input grain --producer-id x-demo:agency --producer-name en=Agency --key agency.pem
datalib assemble sector --input milk,mode=subset --take 'milk/2026/*' --key agency.pem
""",
    "catalogue build": "datalib catalogue build libraries -o site --key x-demo:lab=lab.pub.pem",
    "catalogue serve": "datalib catalogue serve site",
    "refresh": "datalib refresh sector --from milk --policy policy.json --roots roots.json",
    "policy new": "datalib policy new -o policy.json --roots-out roots.json --root root.pub.pem",
    "policy add-party": "datalib policy add-party policy.json --party x-demo:lab --name en=Lab --role producer",
    "policy add-key": "datalib policy add-key policy.json --party x-demo:lab --key lab.pub.pem",
    "policy sign": "datalib policy sign policy.json --key root.pem",
    "log submit": "datalib log submit log speech --policy policy.json --roots roots.json",
    "scan": """
datalib scan speech -o scan
datalib scan works.parquet --sites sites.jsonl --profile eu -o scan
""",
    "optout fetch": "datalib optout fetch works.parquet -o sites.jsonl",
    "optout list": """
datalib optout list --scan scan
datalib optout list --scan scan --verdict hold --reason not-asked-robots-txt
""",
    "optout explain": "datalib optout explain https://example.org/a.html --scan scan",
    "optout apply": "datalib optout apply speech --scan scan",
    "optout declare": """
datalib optout declare poet.example --holder x-demo:poet --holder-name en=Poet --key poet.pem -o refusal.json
""",
    "optout embed": "datalib optout embed photo.jpg -o refused.jpg",
    "export": "datalib export speech --to croissant -o croissant.json",
    "import": "datalib import croissant.json -o speech",
    "completion": "datalib completion bash > ~/.local/share/bash-completion/completions/datalib",
}


def overview(say: Texts) -> Output:
    """Say who needs which commands, and where to begin."""
    from datalib_cli.layout import Line, Row, Table

    rows = [Row(cells=(say(who), ", ".join(commands))) for who, commands in USERS.items()]
    return Output(
        data={"commands": {who: list(commands) for who, commands in USERS.items()}},
        lines=[
            Line(text="datalib: " + say("Provenance of AI training data."), tone="head"),
            "",
            Table(rows=rows),
            "",
            say("All commands: `datalib --help`. One of them: `datalib COMMAND --help`."),
        ],
        step=say("next: `datalib demo` tells the whole story; `datalib init FOLDER` begins one of your own"),
    )
