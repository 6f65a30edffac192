/** Packed libraries: entries whose names, sizes and links are not trusted (trust specification §12, 271 to 274). */
const MORE_BYTES = 64 * 1024 * 1024;
const MORE_ENTRIES = 10_000;
const LONGEST_LINE = LINE_HEAD + MAX_PATH + 1;
const LONGEST_NAME = MAX_PATH + MAX_SEGMENT + 1;
const KIND_OF_FILE = 0o170000;
const REGULAR = 0o100000;
const FOLDER = 0o040000;
const SET_USER = 0o4000;
const SET_GROUP = 0o2000;

/** Stop: the archive cannot be read as one. */
const damaged = (where, detail) => refuse("E-ARCHIVE-FORMAT", where, detail);

/** Bytes of a file of the reader, from one place to another. */
const sliceBytes = async (blob, start, size) => {
  if (start + size > blob.size) damaged(blob.name ?? "", "ends too early");
  try {
    return new Uint8Array(await blob.slice(start, start + size).arrayBuffer());
  } catch (error) {
    throw new Undecided("undecided.unread", blob.name ?? "", error.name);
  }
};

/** Path of an entry, empty for the outermost folder; `E-ARCHIVE-PATH` for a name that leads elsewhere. */
const entryPath = (raw) => {
  const code = "E-ARCHIVE-PATH";
  const whole = strictText(raw);
  if (whole === null) refuse(code, lenientText(raw).slice(0, 200), "the name is not UTF-8");
  let name = whole.replace(/^(?:\.\/)+/, "");
  if (name !== "/") name = name.replace(/\/$/, "");
  if ((name === "" || name === ".") && whole.startsWith(".")) return "";
  if (/^\/|\\|^[A-Za-z]:/.test(name)) refuse(code, name.slice(0, 200), "absolute, a drive letter, or a backslash");
  if (/[\u0000-\u001f]/.test(name)) refuse(code, name.slice(0, 200), "a control character");
  const segments = name.split("/");
  if (segments.some((one) => one === "" || one === "." || one === "..")) refuse(code, name.slice(0, 200), "a step");
  if (raw.length > LONGEST_NAME || segments.some((one) => utf8(one).length > MAX_SEGMENT)) {
    refuse(code, name.slice(0, 200), "longer than any path of a library");
  }
  return name;
};

/** Refuse what is neither a file nor a folder, or runs as somebody else. */
const checkMode = (mode, path) => {
  const kind = mode & KIND_OF_FILE;
  if (kind !== 0 && kind !== REGULAR && kind !== FOLDER) refuse("E-ARCHIVE-LINK", path, "a link or a special file");
  if ((mode & SET_USER) !== 0 || ((mode & SET_GROUP) !== 0 && kind !== FOLDER)) {
    refuse("E-ARCHIVE-LINK", path, "set-uid or set-gid");
  }
};

/** The one folder that everything lies in, with `/`, or an empty text. */
const baseOf = (entries) => {
  const inside = entries.filter((entry) => entry.path !== "");
  if (inside.length === 0) return "";
  const top = inside[0].path.split("/", 1)[0];
  const alone = inside.every(({ path, folder }) => path.startsWith(`${top}/`) || (path === top && folder));
  return alone ? `${top}/` : "";
};

/** Sources by their paths; `E-ARCHIVE-DUPLICATE` for two entries of one name, or a file and a folder of one. */
const sourcesOf = (entries, base) => {
  const sources = new Map();
  const folders = new Set();
  for (const { path, folder, source } of entries) {
    if (folder || !path.startsWith(base)) continue;
    const name = path.slice(base.length);
    if (sources.has(name) || folders.has(name)) refuse("E-ARCHIVE-DUPLICATE", name);
    for (let end = name.indexOf("/"); end >= 0; end = name.indexOf("/", end + 1)) {
      if (sources.has(name.slice(0, end))) refuse("E-ARCHIVE-DUPLICATE", name.slice(0, end));
      folders.add(name.slice(0, end));
    }
    sources.set(name, source);
  }
  return sources;
};

/** What the manifest binds, if the chain is signed by keys of the policy and its last event names this manifest. */
const signedContent = async (files, policy) => {
  const links = await readChain(await readChainFile(files, "", "E-CHAIN-MISSING"), policy, CHAIN);
  checkLinks(links, policy);
  const data = await files.read(MANIFEST, MAX_MANIFEST, "E-MANIFEST-MISSING", "E-JSON-SIZE");
  checkCurrent(sha256Hex(data), links);
  return parseManifest(data).content;
};

/** Refuse an archive larger than the signed numbers allow: `E-ARCHIVE-BOMB`. */
const checkArchiveSize = (entries, listing, content) => {
  const size = entries.reduce((sum, entry) => sum + (entry.folder ? 0 : entry.source.size), 0) - listing;
  const fits = entries.length <= content.files + MORE_ENTRIES && size <= content.bytes + MORE_BYTES;
  if (!fits) refuse("E-ARCHIVE-BOMB", "", `${entries.length} entries, ${size} bytes`);
  if (listing > content.files * LONGEST_LINE) refuse("E-ARCHIVE-BOMB", LISTING, `${listing} bytes`);
};

/** Kind of an archive by its first bytes, `null` if it is none. */
const archiveKind = async (blob) => {
  const start = new Uint8Array(await blob.slice(0, 512).arrayBuffer());
  if (startsWith(start, utf8("PK\u0003\u0004")) || startsWith(start, utf8("PK\u0005\u0006"))) return "zip";
  if (startsWith(start, [0x1f, 0x8b])) return "tar.gz";
  return startsWith(start, utf8("ustar"), 257) ? "tar" : null;
};

/** Whether a file is a packed library that this page can read. */
const isArchive = async (blob) => (await archiveKind(blob)) !== null;

/** Open a packed library: its files, once the numbers that bound it are known to be signed. */
const openArchive = async (blob, policy) => {
  const kind = await archiveKind(blob);
  if (kind === null) throw new Undecided("undecided.archive", blob.name);
  const plain = kind === "tar.gz" ? await gunzip(blob) : blob;
  const entries = kind === "zip" ? await zipEntries(plain) : await tarEntries(plain);
  const files = new Files(sourcesOf(entries, baseOf(entries)));
  checkArchiveSize(entries, files.sizeOf(LISTING) ?? 0, await signedContent(files, policy));
  return files;
};
