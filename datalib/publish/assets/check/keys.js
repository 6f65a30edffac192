/** Public keys and what they signed: Ed25519, and ECDSA P-256 with SHA-256 in DER with s ≤ n/2; by WebCrypto. */
const ED25519 = "ed25519";
const P256 = "ecdsa-p256-sha256";
const ED25519_OID = "2b6570";
const ED25519_PREFIX = fromHex("302a300506032b6570032100");
const P256_OID = "2a8648ce3d0201";
const P256_PARAMETERS = "06082a8648ce3d030107";
const P256_PREFIX = fromHex("3059301306072a8648ce3d020106082a8648ce3d03010703420004");
const P256_FIELD = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const P256_B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const ED25519_FIELD = 2n ** 255n - 19n;
/** y of the points of order 1, 2, 4 and 8, in the byte order of keys. */
const LOW_ORDER_Y = Object.freeze([
  0n,
  1n,
  ED25519_FIELD - 1n,
  toBigInt(fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05").reverse()),
  toBigInt(fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a").reverse()),
]);

/** Split off the content of the first DER element; `null` if it is another one, or its length is not the shortest. */
const splitDer = (data, tag) => {
  if (data.length < 2 || data[0] !== tag) return null;
  let start = 2;
  let length = data[1];
  if (length >= 0x80) {
    const count = length - 0x80;
    start = 2 + count;
    const written = toBigInt(data.subarray(2, start));
    const shortest = Math.max(1, Math.ceil(written.toString(2).length / 8));
    if (count !== shortest || written < 0x80n) return null;
    length = Number(written);
  }
  if (start + length > data.length) return null;
  return [data.subarray(start, start + length), data.subarray(start + length)];
};

/** The same for a part of a key: `E-KEY-ENCODING`. */
const takeDer = (data, tag, where) =>
  splitDer(data, tag) ?? refuse("E-KEY-ENCODING", where, "not a SubjectPublicKeyInfo");

/** Algorithm identifier and parameters of a SubjectPublicKeyInfo, in hexadecimal digits. */
const keyType = (der, where) => {
  const [body, rest] = takeDer(der, 0x30, where);
  const [algorithm, key] = takeDer(body, 0x30, where);
  const [oid, parameters] = takeDer(algorithm, 0x06, where);
  const [, beyond] = takeDer(key, 0x03, where);
  if (rest.length > 0 || beyond.length > 0) refuse("E-KEY-ENCODING", where, "bytes after the key");
  return [toHex(oid), toHex(parameters)];
};

/** Whether 32 bytes are an Ed25519 point of low order or in a second spelling. */
const isWeak = (raw) => {
  const y = toBigInt(raw.slice().reverse()) & (2n ** 255n - 1n);
  return y >= ED25519_FIELD || LOW_ORDER_Y.includes(y);
};

/** Whether two coordinates are a point of the curve P-256. */
const isOnCurve = (x, y) => {
  if (x >= P256_FIELD || y >= P256_FIELD) return false;
  return (y * y - (x * x * x - 3n * x + P256_B)) % P256_FIELD === 0n;
};

/** A sound public key: `raw` is the 32 bytes of Ed25519 or the 65 of an uncompressed point. */
const makeKey = (alg, der, raw) => Object.freeze({ alg, raw, keyid: sha256Hex(der), handle: { promise: null } });

/** Read a SubjectPublicKeyInfo in its standard encoding: `E-KEY-ENCODING`, `E-KEY-ALG`, `E-KEY-WEAK`. */
const keyFromDer = (der, where = "", claimed = "") => {
  const [oid, parameters] = keyType(der, where);
  if (oid === ED25519_OID) {
    if (der.length !== ED25519_PREFIX.length + 32 || !startsWith(der, ED25519_PREFIX)) {
      refuse("E-KEY-ENCODING", where, "not the standard encoding of an Ed25519 key");
    }
    const raw = der.slice(-32);
    if ((claimed === "" || claimed === ED25519) && isWeak(raw)) refuse("E-KEY-WEAK", where);
    return makeKey(ED25519, der, raw);
  }
  if (oid === P256_OID && parameters === P256_PARAMETERS) {
    const fits = der.length === P256_PREFIX.length + 64 && startsWith(der, P256_PREFIX);
    if (!fits || !isOnCurve(toBigInt(der.slice(-64, -32)), toBigInt(der.slice(-32)))) {
      refuse("E-KEY-ENCODING", where, "not the standard encoding of a P-256 key, or no point of the curve");
    }
    return makeKey(P256, der, der.slice(-65));
  }
  return refuse("E-KEY-ALG", where, "neither an Ed25519 nor a P-256 key");
};

/** Read the members `alg` and `public` of roots and policies. */
const keyFromMembers = (value, where) => {
  const key = keyFromDer(decodeBase64(value.public, "E-KEY-ENCODING", where), where, value.alg);
  return key.alg === value.alg ? key : refuse("E-KEY-ALG", where, `the key is ${key.alg}`);
};

/** Read the 32 bytes of an Ed25519 key, as logs and witnesses write them. */
const keyFromEd25519 = (raw, where) => keyFromDer(concat(ED25519_PREFIX, raw), where);

/** One number of a DER signature, and what follows it; `null` if it is not in its one spelling. */
const takeInteger = (data) => {
  const [content, rest] = splitDer(data, 0x02) ?? [[], data];
  if (content.length === 0 || content[0] >= 0x80) return null;
  const padded = content.length > 1 && content[0] === 0 && content[1] < 0x80;
  return padded ? null : [toBigInt(content), rest];
};

/** The numbers r and s of a DER signature (SEQUENCE of two INTEGERs); `null` if it is not in its one spelling. */
const readDerSignature = (data) => {
  const [body, beyond] = splitDer(data, 0x30) ?? [[], data];
  const first = beyond.length === 0 ? takeInteger(body) : null;
  const second = first && takeInteger(first[1]);
  return second && second[1].length === 0 ? [first[0], second[0]] : null;
};

/** 32 bytes of a number. */
const toCoordinate = (number) => fromHex(number.toString(16).padStart(64, "0"));

/** The WebCrypto handle of a key, made once. */
const handleOf = (key) => {
  const algorithm = key.alg === ED25519 ? "Ed25519" : { name: "ECDSA", namedCurve: "P-256" };
  key.handle.promise ??= crypto.subtle.importKey("raw", key.raw, algorithm, false, ["verify"]);
  return key.handle.promise;
};

/** Ask WebCrypto. What it cannot do at all leaves the question open; whatever it balks at is no signature. */
const asksWebCrypto = async (key, algorithm, signature, message) => {
  if (globalThis.crypto?.subtle === undefined) throw new Undecided("undecided.crypto");
  try {
    return await crypto.subtle.verify(algorithm, await handleOf(key), signature, message);
  } catch (error) {
    if (error.name === "NotSupportedError") throw new Undecided("undecided.algorithm", key.alg);
    return false;
  }
};

/** Whether an ECDSA signature of one spelling holds; `E-SIG-INVALID` for its form, `E-SIG-MALLEABLE` for s > n/2. */
const verifyP256 = async (key, signature, message, where) => {
  const numbers = readDerSignature(signature);
  if (numbers === null) refuse("E-SIG-INVALID", where, "not a DER signature");
  const [r, s] = numbers;
  if (s > P256_ORDER / 2n) refuse("E-SIG-MALLEABLE", where, "s is above n/2");
  if (r >= P256_ORDER) return false;
  const raw = concat(toCoordinate(r), toCoordinate(s));
  return asksWebCrypto(key, { name: "ECDSA", hash: "SHA-256" }, raw, message);
};

/** Refuse unless the key signed the message: `E-SIG-INVALID`, `E-SIG-MALLEABLE`. */
const verifySignature = async (key, signature, message, where = "") => {
  const holds = key.alg === ED25519
    ? await asksWebCrypto(key, "Ed25519", signature, message)
    : await verifyP256(key, signature, message, where);
  if (!holds) refuse("E-SIG-INVALID", where, `not a signature of key ${key.keyid.slice(0, 16)}…`);
};
