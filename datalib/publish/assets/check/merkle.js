/** Merkle trees of RFC 6962 §2.1 over SHA-256. */
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const HASH_SIZE = 32;

/** Hash of one leaf. */
const leafHash = (data) => sha256(LEAF, data);

/** Hash of an inner node. */
const nodeHash = (left, right) => sha256(NODE, left, right);

/** Root over leaves given as data. */
const merkleRoot = (leaves) => {
  const subtrees = [];
  for (const leaf of leaves) {
    let node = { size: 1, hash: leafHash(leaf) };
    while (subtrees.length > 0 && subtrees.at(-1).size === node.size) {
      node = { size: node.size * 2, hash: nodeHash(subtrees.pop().hash, node.hash) };
    }
    subtrees.push(node);
  }
  const hashes = subtrees.map((subtree) => subtree.hash);
  return hashes.length === 0 ? sha256() : hashes.reduceRight((right, left) => nodeHash(left, right));
};

/** Half of a whole number, rounded down; these may be larger than 32 bits. */
const half = (number) => Math.floor(number / 2);

/** Root that a leaf hash and its audit path lead to, or `null` if they do not fit (RFC 9162 §2.1.3.2). */
const rootFromPath = (leaf, index, size, path) => {
  if (index < 0 || index >= size || path.some((item) => item.length !== HASH_SIZE)) return null;
  let node = index;
  let last = size - 1;
  let result = leaf;
  for (const item of path) {
    if (last === 0) return null;
    if (node % 2 === 1 || node === last) {
      result = nodeHash(item, result);
      while (node % 2 === 0 && node > 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      result = nodeHash(result, item);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 ? result : null;
};
