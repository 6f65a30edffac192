/**
 * SHA-256 (FIPS 180-4), piece by piece: that of WebCrypto takes a file only as a whole. All words are signed 32-bit
 * numbers, with which engines compute natively.
 */
const SHA256_ROUNDS = Int32Array.of(
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
);
const SHA256_BLOCK = 64;
/** Schedule of the block that is worked on: one at a time, to its end. */
const SHA256_WORDS = new Int32Array(64);

/** One running digest. Give bytes with `update`, then ask once for `digest`. */
class Sha256 {
  #state = Int32Array.of(
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  );
  #rest = new Uint8Array(SHA256_BLOCK);
  #held = 0;
  #size = 0;

  /** Take the next bytes. */
  update(data) {
    this.#size += data.length;
    let at = 0;
    if (this.#held > 0) {
      at = Math.min(SHA256_BLOCK - this.#held, data.length);
      this.#rest.set(data.subarray(0, at), this.#held);
      this.#held += at;
      if (this.#held < SHA256_BLOCK) return this;
      this.#compress(this.#rest, 0);
    }
    for (; at + SHA256_BLOCK <= data.length; at += SHA256_BLOCK) this.#compress(data, at);
    this.#rest.set(data.subarray(at));
    this.#held = data.length - at;
    return this;
  }

  /** Give the 32 bytes. */
  digest() {
    const size = this.#size;
    const zeros = (((55 - size) % SHA256_BLOCK) + SHA256_BLOCK) % SHA256_BLOCK;
    const end = new Uint8Array(1 + zeros + 8);
    const view = new DataView(end.buffer);
    end[0] = 0x80;
    view.setUint32(1 + zeros, Math.floor(size / 0x20000000));
    view.setUint32(5 + zeros, (size * 8) % 0x100000000);
    this.update(end);
    const result = new DataView(new ArrayBuffer(32));
    this.#state.forEach((word, place) => result.setInt32(place * 4, word));
    return new Uint8Array(result.buffer);
  }

  #schedule(data, at) {
    const w = SHA256_WORDS;
    for (let n = 0, place = at; n < 16; n += 1, place += 4) {
      w[n] = (data[place] << 24) | (data[place + 1] << 16) | (data[place + 2] << 8) | data[place + 3];
    }
    for (let n = 16; n < 64; n += 1) {
      const x = w[n - 15];
      const y = w[n - 2];
      const low = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const high = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[n] = (w[n - 16] + low + w[n - 7] + high) | 0;
    }
  }

  #compress(data, at) {
    this.#schedule(data, at);
    const w = SHA256_WORDS;
    const state = this.#state;
    let a = state[0];
    let b = state[1];
    let c = state[2];
    let d = state[3];
    let e = state[4];
    let f = state[5];
    let g = state[6];
    let h = state[7];
    for (let n = 0; n < 64; n += 1) {
      const high = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const one = (h + high + ((e & f) ^ (~e & g)) + SHA256_ROUNDS[n] + w[n]) | 0;
      const low = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const two = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + one) | 0;
      d = c;
      c = b;
      b = a;
      a = (one + two) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
}

/** SHA-256 of bytes. */
const sha256 = (...parts) => {
  const running = new Sha256();
  for (const part of parts) running.update(part);
  return running.digest();
};

/** SHA-256 of bytes in hexadecimal digits, as things are named here. */
const sha256Hex = (...parts) => toHex(sha256(...parts));
