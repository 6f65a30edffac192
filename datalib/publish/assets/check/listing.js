/** The listing `files.sha256`: one line per data file, sorted, and its Merkle root (trust specification §5). */
const LISTING = "files.sha256";
const MAX_LISTING = 4 * 1024 ** 3;
/** Most bytes of a file that this page holds in memory. */
const MAX_HELD = 256 * 1024 * 1024;
const LINE_HEAD = 66;
const TOO_LONG = 1024 * 1024;
const LINE_SHAPE = /^[0-9a-f]{64} {2}$/;

/** Digest that a line of a listing begins with. */
const digestOf = (line) => lenientText(line.subarray(0, 64));

/** Check one line; give its path. `last` are the path bytes of the line before. */
const checkLine = (line, last, where) => {
  if (!LINE_SHAPE.test(lenientText(line.subarray(0, LINE_HEAD)))) refuse("E-LIST-FORMAT", where);
  if (line.length > TOO_LONG) refuse("E-PATH-LENGTH", where);
  const raw = line.subarray(LINE_HEAD);
  const path = strictText(raw);
  if (path === null) refuse("E-LIST-FORMAT", where, "not UTF-8");
  const code = pathFault(path);
  if (code !== null) refuse(code, where, path);
  const order = compareBytes(raw, last);
  if (order <= 0) refuse(order === 0 ? "E-LIST-DUPLICATE" : "E-LIST-ORDER", where, path);
  return path;
};

/** Check the lines of a listing; give them, each with its path. */
const checkLines = (data, name) => {
  const lines = splitLines(data);
  const rest = lines.pop();
  const alike = new Collisions();
  let last = new Uint8Array();
  const listed = lines.map((line, number) => {
    const path = checkLine(line, last, `${name}:${number + 1}`);
    alike.add(path);
    last = line.subarray(LINE_HEAD);
    return { path, line };
  });
  const endless = rest.length > TOO_LONG && LINE_SHAPE.test(lenientText(rest.subarray(0, LINE_HEAD)));
  if (endless) refuse("E-PATH-LENGTH", name, `a line of more than ${TOO_LONG} bytes`);
  if (rest.length > 0 || lines.length === 0) refuse("E-LIST-FORMAT", name, "no line, or a last line without LF");
  return listed;
};

/** Check a listing against the numbers that were signed of it (§10, step 8); give its lines with their paths. */
const examineListing = async (files, content, name = LISTING) => {
  const size = files.sizeOf(name);
  if (size === null) refuse("E-LIST-MISSING", name);
  if (size > MAX_LISTING) refuse("E-LIST-SIZE", name, `${size} bytes`);
  if (size > MAX_HELD) throw new Undecided("undecided.large", name);
  const data = await files.bytes(name);
  const digest = sha256Hex(data);
  if (digest !== content.sha256) refuse("E-LIST-DIGEST", name, `computed ${digest}, signed ${content.sha256}`);
  const listed = checkLines(data, name);
  const root = toHex(merkleRoot(listed.map((item) => item.line)));
  if (root !== content.root) refuse("E-LIST-ROOT", name, `computed ${root}, signed ${content.root}`);
  if (listed.length !== content.files) refuse("E-LIST-COUNT", name, `${listed.length} lines, signed ${content.files}`);
  return listed;
};

/** Lines of the files under a prefix that ends in `/`, the prefix removed. */
const linesUnder = (listed, prefix) => {
  const cut = LINE_HEAD + utf8(prefix).length;
  return listed
    .filter((item) => item.path.startsWith(prefix))
    .map(({ line }) => concat(line.subarray(0, LINE_HEAD), line.subarray(cut)));
};
