/** Zip archives (PKWARE APPNOTE): stored and deflated files in the order of their data, one volume, no encryption. */
const ZIP_END = 22;
const ZIP_CENTRAL = 46;
const ZIP_LOCAL = 30;
const ZIP_MAX_COMMENT = 0xffff;
const ZIP_STORED = 0;
const ZIP_DEFLATED = 8;
const ZIP_REFUSED_FLAGS = 0x1 | 0x40 | 0x2000 | 0x20;
const ZIP_TRAILING = 0x8;
const FULL16 = 0xffff;
const FULL32 = 0xffffffff;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 of the bytes so far and some more. */
const crc32 = (before, data) => {
  let crc = ~before;
  for (const byte of data) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
};

/** A file in a zip archive: no more bytes than it says, and those of its check sum. */
class ZipSource {
  #blob;
  #record;
  #start;

  constructor(blob, record, start) {
    this.#blob = blob;
    this.#record = record;
    this.#start = start;
    this.size = record.size;
    Object.freeze(this);
  }

  /** Hand over all bytes, piece by piece. */
  async each(take) {
    const { method, packed, size, crc, path } = this.#record;
    const data = this.#blob.slice(this.#start, this.#start + packed).stream();
    const plain = method === ZIP_STORED ? data : data.pipeThrough(new DecompressionStream("deflate-raw"));
    let total = 0;
    let sum = 0;
    try {
      await eachChunk(plain, (chunk) => {
        total += chunk.length;
        if (total > size) refuse("E-ARCHIVE-BOMB", path, `more than the ${size} bytes that were said`);
        sum = crc32(sum, chunk);
        take(chunk);
      });
    } catch (error) {
      if (error instanceof TypeError) damaged(path, "ends too early or too late, or is not deflated");
      throw error instanceof Refused ? error : new Undecided("undecided.unread", path, String(error));
    }
    if (total !== size || sum !== crc) damaged(path, "not the size or the check sum that was said");
  }
}

/** Where the directory of an archive lies; it must reach to the record that ends the archive. */
const zipDirectory = async (blob) => {
  const size = Math.min(blob.size, ZIP_END + ZIP_MAX_COMMENT);
  const view = new DataView((await sliceBytes(blob, blob.size - size, size)).buffer);
  let at = size - ZIP_END;
  const isEnd = () => view.getUint32(at) === 0x504b0506 && at + ZIP_END + view.getUint16(at + 20, true) === size;
  while (at >= 0 && !isEnd()) at -= 1;
  if (at < 0) damaged(blob.name, "no zip archive, or not a whole one");
  const end = blob.size - size + at;
  const [disk, first, here, count] = [4, 6, 8, 10].map((place) => view.getUint16(at + place, true));
  const [length, start] = [12, 16].map((place) => view.getUint32(at + place, true));
  const large = at >= 20 && view.getUint32(at - 20) === 0x504b0607;
  if (large || count === FULL16 || length === FULL32 || start === FULL32) {
    throw new Undecided("undecided.archive", blob.name);
  }
  if (disk !== 0 || first !== 0 || here !== count || start + length !== end) {
    damaged(blob.name, "several volumes, or foreign bytes");
  }
  if (length > MAX_GIVEN) throw new Undecided("undecided.large", blob.name);
  return { start, length, count };
};

/** Read one record of the directory. */
const zipRecord = (data, at, where) => {
  const view = new DataView(data.buffer, data.byteOffset);
  if (at + ZIP_CENTRAL > data.length || view.getUint32(at) !== 0x504b0102) damaged(where, "an entry is none");
  const [flags, method] = [8, 10].map((place) => view.getUint16(at + place, true));
  const [name, extra, comment, disk] = [28, 30, 32, 34].map((place) => view.getUint16(at + place, true));
  const [crc, packed, size] = [16, 20, 24].map((place) => view.getUint32(at + place, true));
  const offset = view.getUint32(at + 42, true);
  const next = at + ZIP_CENTRAL + name + extra + comment;
  if (next > data.length) damaged(where, "an entry is none");
  if ([packed, size, offset].includes(FULL32)) throw new Undecided("undecided.archive", where);
  if ((flags & ZIP_REFUSED_FLAGS) !== 0 || ![ZIP_STORED, ZIP_DEFLATED].includes(method) || disk !== 0) {
    damaged(where, "encrypted, patched, split, or packed in another way");
  }
  if (method === ZIP_STORED && size !== packed) damaged(where, "a stored file with two sizes");
  const raw = data.slice(at + ZIP_CENTRAL, at + ZIP_CENTRAL + name);
  return { raw, flags, method, crc, packed, size, mode: view.getUint32(at + 38, true) >>> 16, offset, next };
};

/** Check the header before the data against the record; give where the data begins. */
const zipStart = async (blob, record) => {
  const view = new DataView((await sliceBytes(blob, record.offset, ZIP_LOCAL)).buffer);
  const [name, extra] = [26, 28].map((place) => view.getUint16(place, true));
  const raw = await sliceBytes(blob, record.offset + ZIP_LOCAL, name);
  const [flags, method] = [6, 8].map((place) => view.getUint16(place, true));
  const [crc, packed, size] = [14, 18, 22].map((place) => view.getUint32(place, true));
  const numbers = crc === record.crc && packed === record.packed && size === record.size;
  const same = view.getUint32(0) === 0x504b0304 && flags === record.flags && method === record.method
    && sameBytes(raw, record.raw) && ((flags & ZIP_TRAILING) !== 0 || numbers);
  if (!same) damaged(blob.name, "a header that contradicts the directory");
  return record.offset + ZIP_LOCAL + name + extra;
};

/** Check the name and mode of a record; give its path and whether it is a folder. */
const zipName = (record, where) => {
  const path = entryPath(record.raw);
  checkMode(record.mode, path);
  const folder = record.raw.at(-1) === 0x2f;
  const kind = record.mode & KIND_OF_FILE;
  if (kind !== 0 && folder !== (kind === FOLDER)) damaged(where, `${path}: a folder by name or mode only`);
  if (folder && record.size > 0) damaged(where, `${path}: a folder with content`);
  if (!folder && path === "") refuse("E-ARCHIVE-PATH", "", "a file without a name");
  return { path, folder };
};

/** Give every entry: path, whether it is a folder, source. */
const zipEntries = async (blob) => {
  const directory = await zipDirectory(blob);
  const data = await sliceBytes(blob, directory.start, directory.length);
  const entries = [];
  let at = 0;
  let reached = 0;
  for (let n = 0; n < directory.count; n += 1) {
    const record = zipRecord(data, at, blob.name);
    const { path, folder } = zipName(record, blob.name);
    if (record.offset < reached) refuse("E-ARCHIVE-BOMB", path, "shares data with another entry, or is out of order");
    const start = await zipStart(blob, record);
    reached = start + record.packed;
    if (reached > directory.start) damaged(blob.name, `${path}: data beyond the end`);
    entries.push({ path, folder, source: new ZipSource(blob, { ...record, path }, start) });
    at = record.next;
  }
  if (at !== data.length) damaged(blob.name, "more entries than counted");
  return entries;
};
