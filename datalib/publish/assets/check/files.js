/** The files of a library as the reader gave them, read when they are needed, and only as far as allowed. */

/** Read a stream to its end, piece by piece. */
const eachChunk = async (stream, take) => {
  const reader = stream.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) take(part.value);
};

/** A file of the reader's disk. What cannot be read, or changes meanwhile, leaves the question open. */
class DiskSource {
  #blob;

  constructor(blob) {
    this.#blob = blob;
    this.size = blob.size;
    Object.freeze(this);
  }

  /** Hand over all bytes, piece by piece. */
  async each(take) {
    let size = 0;
    try {
      await eachChunk(this.#blob.stream(), (chunk) => {
        size += chunk.length;
        take(chunk);
      });
    } catch (error) {
      throw new Undecided("undecided.unread", this.#blob.name ?? "", error.name);
    }
    if (size !== this.size) throw new Undecided("undecided.unread", this.#blob.name ?? "", "changed while it was read");
  }
}

/** Files by their paths in the library. A source has `size` and `each`. */
class Files {
  #sources;
  #paths;

  constructor(sources) {
    this.#sources = sources;
    const named = [...sources.keys()].map((path) => [utf8(path), path]);
    this.#paths = named.sort((one, other) => compareBytes(one[0], other[0])).map(([, path]) => path);
  }

  /** Every path, in byte order. */
  paths() {
    return this.#paths;
  }

  /** Size of a file in bytes, `null` if it is not there. */
  sizeOf(path) {
    return this.#sources.get(path)?.size ?? null;
  }

  /** SHA-256 of a file, however large, in hexadecimal digits. */
  async digest(path) {
    const running = new Sha256();
    await this.#sources.get(path).each((chunk) => running.update(chunk));
    return toHex(running.digest());
  }

  /** All bytes of a file that is there and not too large to be held. */
  async bytes(path) {
    const source = this.#sources.get(path);
    const data = new Uint8Array(source.size);
    let at = 0;
    await source.each((chunk) => {
      data.set(chunk, at);
      at += chunk.length;
    });
    return data;
  }

  /** Bytes of a file of at most `limit` bytes; refused with codes of the caller if it is missing or too large. */
  async read(path, limit, missing, tooLarge) {
    const size = this.sizeOf(path);
    if (size === null) refuse(missing, path);
    if (size > limit) refuse(tooLarge, path, `${size} bytes, at most ${limit}`);
    return this.bytes(path);
  }

  /** Bytes of a file that need not be there, else `null`. */
  async readOptional(path, limit, tooLarge) {
    return this.sizeOf(path) === null ? null : this.read(path, limit, "", tooLarge);
  }
}

/** Files of a folder that the reader chose: pairs of a path, which begins with the name of that folder, and a file. */
const filesOfFolder = (pairs) =>
  new Files(new Map(pairs.map(([path, blob]) => [path.slice(path.indexOf("/") + 1), new DiskSource(blob)])));
