/** The manifest `datapackage.json` (trust specification §6). */
const MANIFEST = "datapackage.json";
const MAX_MANIFEST = 16 * 1024 * 1024;
const HASH = "sha256:";

/** Whether a member is missing or says nothing. */
const isVoid = (value) =>
  value === undefined || value === null || value === ""
  || (typeof value === "object" && Object.keys(value).length === 0);

/** Check digests, party, times and prefixes of the block `datalib`. */
const checkBlockForms = (block, where) => {
  for (const member of ["sha256", "root"]) checkDigest(block.content[member], `${where}/content/${member}`);
  for (const [number, item] of (block.inputs ?? []).entries()) {
    for (const member of ["lib", "head", "manifest"]) checkDigest(item[member], `${where}/inputs/${number}/${member}`);
  }
  checkParty(block.producer.id, `${where}/producer/id`);
  if (block.created !== undefined) parseTime(block.created, `${where}/created`);
  for (const item of [...(block.inputs ?? []), ...(block.collections ?? [])]) {
    if (item.prefix) checkPath(item.prefix.slice(0, -1));
  }
};

/** Paths that a resource names. */
const pathsOf = (resource) => (typeof resource.path === "string" ? [resource.path] : resource.path ?? []);

/** Read a manifest; any strict JSON text will do. */
const parseManifest = (data, where = MANIFEST) => {
  const document = parseJson(data, MAX_MANIFEST, where);
  const block = document.datalib;
  if (!isObject(block)) refuse("E-MANIFEST-DATALIB", where);
  if (block.spec !== "1") refuse("E-SPEC-VERSION", `${where}#/datalib/spec`);
  if (isVoid(block.purpose)) refuse("E-PURPOSE-MISSING", `${where}#/datalib/purpose`);
  if (isVoid(document.sources)) refuse("E-SOURCE-MISSING", `${where}#/sources`);
  checkSchema("manifest", document, where);
  checkBlockForms(block, `${where}#/datalib`);
  return Object.freeze({
    document,
    producer: canonical(block.producer),
    purpose: block.purpose,
    content: block.content,
    inputs: block.inputs ?? [],
  });
};

/** Check every resource against the listing; `listed` gives the digest of each listed path. */
const checkResources = (manifest, listed) => {
  for (const [number, resource] of manifest.document.resources.entries()) {
    const where = `${MANIFEST}#/resources/${number}`;
    const paths = pathsOf(resource);
    const outside = paths.some((path) => path.includes("://"));
    if (outside || typeof resource.schema === "string" || typeof resource.dialect === "string") {
      refuse("E-RES-REMOTE", where);
    }
    const unlisted = paths.find((path) => !listed.has(path));
    if (unlisted !== undefined) refuse("E-RES-UNLISTED", where, unlisted);
    if (resource.hash === undefined) continue;
    if (!resource.hash.startsWith(HASH)) refuse("E-RES-HASH-ALG", where, resource.hash.slice(0, 40));
    if (paths.length !== 1) refuse("E-RES-HASH", where, `one hash for ${paths.length} paths`);
    if (resource.hash !== HASH + listed.get(paths[0])) refuse("E-RES-HASH", where);
  }
};

/** A source of the old version that the new one does not have any more, or `undefined`. */
const droppedSource = (old, later) => {
  const { sources } = later.document;
  const paths = new Set(sources.filter((source) => source.path !== undefined).map((source) => canonical(source.path)));
  const titles = new Set(sources.map((source) => source.title));
  return old.document.sources.find((source) =>
    source.path === undefined ? !titles.has(source.title) : !paths.has(canonical(source.path)));
};
