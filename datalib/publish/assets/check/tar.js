/** Tar archives: ustar, pax, and the long names of GNU tar; what a library does not need is refused. */
const TAR_BLOCK = 512;
const TAR_MAX_EXTENSION = 1 << 16;
const TAR_MAX_EXTENSIONS = 8;
const TAR_LINKS = Object.freeze({ 1: 0o120000, 2: 0o120000, 3: 0o020000, 4: 0o060000, 6: 0o010000 });
/** Most bytes that a gzipped archive may unpack to here. */
const MAX_UNPACKED = 1024 ** 3;

/** Unpack gzip, as far as this page holds that much. */
const gunzip = async (blob) => {
  const parts = [];
  let size = 0;
  try {
    await eachChunk(blob.stream().pipeThrough(new DecompressionStream("gzip")), (chunk) => {
      size += chunk.length;
      if (size > MAX_UNPACKED) throw new Undecided("undecided.large", blob.name);
      parts.push(chunk);
    });
  } catch (error) {
    // The command line reads only as far as the archive goes: damage behind its end is not its business.
    throw error instanceof Undecided ? error : new Undecided("undecided.damaged", blob.name);
  }
  return new Blob(parts);
};

/** Bytes of a field up to the first NUL. */
const tarText = (field) => {
  const end = field.indexOf(0);
  return end < 0 ? field : field.subarray(0, end);
};

/** Read an octal number, or one in base 256. */
const tarNumber = (field) => {
  if ((field[0] & 0x80) !== 0) {
    const value = toBigInt(field) & ((1n << BigInt(field.length * 8 - 1)) - 1n);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) damaged("", "a number beyond all bounds");
    return Number(value);
  }
  const digits = lenientText(field).replaceAll("\0", " ").trim();
  if (!/^[0-7]*$/.test(digits)) damaged("", "a number that is none");
  return Number.parseInt(digits || "0", 8);
};

/** Read the records `LENGTH NAME=VALUE` of a pax header: values as bytes, by name. */
const paxAttributes = (data) => {
  const found = new Map();
  for (let at = 0; at < data.length;) {
    const head = /^([0-9]+) /.exec(lenientText(data.subarray(at, at + 24)));
    const length = head === null ? 0 : Number(head[1]);
    const record = data.subarray(at + (head?.[0].length ?? 0), at + length);
    const equals = record.indexOf(0x3d);
    if (equals < 0 || at + length > data.length || record.at(-1) !== 10) damaged("", "an extension header is none");
    const name = lenientText(record.subarray(0, equals));
    if (name.startsWith("GNU.sparse.")) damaged("", "a sparse file");
    found.set(name, record.slice(equals + 1, -1));
    at += length;
  }
  return found;
};

/** Read a size of a pax header. */
const paxSize = (value, otherwise) => {
  if (value === undefined) return otherwise;
  const text = lenientText(value);
  if (!/^[0-9]{1,16}$/.test(text)) damaged("", "a size that is none");
  return Number(text);
};

/** Read a header; `null` at the end of the archive. */
const tarHeader = async (blob, at) => {
  if (at >= blob.size) return null;
  const header = await sliceBytes(blob, at, TAR_BLOCK);
  if (header.every((byte) => byte === 0)) return null;
  const stated = tarNumber(header.subarray(148, 156));
  const sum = header.reduce((total, byte, place) => total + (place >= 148 && place < 156 ? 32 : byte), 0);
  if (stated !== sum) damaged("", "a header with a wrong check sum");
  return header;
};

/** Name of an entry as its header has it. */
const tarName = (header) => {
  const name = tarText(header.subarray(0, 100));
  const prefix = lenientText(header.subarray(257, 263)) === "ustar\0" ? tarText(header.subarray(345, 500)) : [];
  return prefix.length > 0 ? concat(prefix, Uint8Array.of(0x2f), name) : name;
};

/** A file in a tar archive. */
const tarSource = (blob, start, size) => Object.freeze({
  size, each: (take) => new DiskSource(blob.slice(start, start + size)).each(take),
});

/** Make an entry of a header that is no extension. */
const tarEntry = (blob, header, raw, size, start) => {
  const kind = String.fromCharCode(header[156]).replace("\0", "0");
  if (Object.hasOwn(TAR_LINKS, kind)) checkMode(TAR_LINKS[kind], lenientText(raw));
  const plain = kind === "0" || kind === "7";
  const folder = kind === "5" || (plain && raw.at(-1) === 0x2f);
  if (!folder && !plain) damaged("", "an entry of an unknown kind");
  const path = entryPath(raw);
  checkMode((tarNumber(header.subarray(100, 108)) & 0o7777) | (folder ? FOLDER : REGULAR), path);
  if (folder && size > 0) damaged("", "a folder with content");
  if (!folder && path === "") refuse("E-ARCHIVE-PATH", "", "a file without a name");
  if (start + padded(size) > blob.size) damaged(path, "ends inside a file");
  return { path, folder, source: tarSource(blob, start, size) };
};

/** Whole blocks that some bytes take. */
const padded = (size) => Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;

/** Read the extension headers before an entry and its own; give header, name, size and place, or `null` at the end. */
const tarNext = async (blob, from) => {
  let at = from;
  let name = new Uint8Array();
  let size = null;
  for (let n = 0; n < TAR_MAX_EXTENSIONS; n += 1) {
    const header = await tarHeader(blob, at);
    if (header === null) return null;
    const kind = String.fromCharCode(header[156]);
    const length = tarNumber(header.subarray(124, 136));
    at += TAR_BLOCK;
    if (!"xgLK".includes(kind)) {
      return { header, raw: name.length > 0 ? name : tarName(header), size: size ?? length, at };
    }
    if (length > TAR_MAX_EXTENSION) damaged("", "a large extension header");
    const data = (await sliceBytes(blob, at, padded(length))).subarray(0, length);
    at += padded(length);
    if (kind === "L") name = data.subarray(0, data.findLastIndex((byte) => byte !== 0) + 1);
    if (kind !== "x" && kind !== "g") continue;
    const attributes = paxAttributes(data);
    if (kind === "g" && (attributes.has("path") || attributes.has("size"))) damaged("", "a name or size for all");
    name = attributes.get("path") ?? name;
    size = paxSize(attributes.get("size"), size);
  }
  return damaged("", "too many extension headers");
};

/** Give every entry: path, whether it is a folder, source. */
const tarEntries = async (blob) => {
  const entries = [];
  for (let next = await tarNext(blob, 0); next !== null;) {
    const { header, raw, size, at } = next;
    entries.push(tarEntry(blob, header, raw, size, at));
    next = await tarNext(blob, at + padded(size));
  }
  return entries;
};
