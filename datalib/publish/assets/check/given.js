/** What the reader gives: a folder, an archive, loose files, policy, roots, state; told apart by what they are. */
const MAX_GIVEN = 64 * 1024 * 1024;
const MAX_FILES = 1_000_000;

/** What kind of trust file a text is, by a member that only it has; `null` for another. Nothing is believed yet. */
const kindOfText = (text) => {
  try {
    const value = JSON.parse(text);
    if (!isObject(value)) return null;
    if (value.payloadType === POLICY_TYPE) return "policy";
    if ("threshold" in value && "keys" in value) return "roots";
    return "libraries" in value && "logs" in value ? "state" : null;
  } catch {
    return null;
  }
};

/** Bytes of a file of the reader, if it is not too large for what it is given as. */
const readGiven = async (file) => {
  if (file.size > MAX_GIVEN + 1) throw new Undecided("undecided.large", file.name);
  return new Files(new Map([[file.name, new DiskSource(file)]])).bytes(file.name);
};

/** Add a file with its path; there are not more than this page can hold. */
const addFound = (found, path, file) => {
  if (found.length >= MAX_FILES) throw new Undecided("undecided.large", path);
  found.push([path, file]);
};

/** Every file below a handle of a file system, with its path. */
const walkHandle = async (handle, path, found) => {
  if (handle.kind === "file") return addFound(found, path, await handle.getFile());
  for await (const below of handle.values()) await walkHandle(below, `${path}/${below.name}`, found);
};

/** Every file below an entry of a drop, with its path: for browsers that know no handles. */
const walkEntry = async (entry, path, found) => {
  if (entry.isFile) return addFound(found, path, await new Promise((take, fail) => entry.file(take, fail)));
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((take, fail) => reader.readEntries(take, fail));
    if (some.length === 0) return;
    for (const below of some) await walkEntry(below, `${path}/${below.name}`, found);
  }
};

/** Ask for what was dropped, which must be done while the drop is handled: a promise for each item. */
const takeDropped = (transfer) => [...transfer.items].filter((item) => item.kind === "file").map(async (item) => {
  const found = [];
  // From a file, Chromium reads folders through handles only; other browsers know entries only.
  const entry = item.webkitGetAsEntry();
  const file = item.getAsFile();
  const handle = item.getAsFileSystemHandle === undefined ? null : await item.getAsFileSystemHandle();
  if (handle !== null) await walkHandle(handle, handle.name, found);
  else if (entry !== null) await walkEntry(entry, entry.name, found);
  else addFound(found, file.name, file);
  return found;
});

/** A library in a folder: pairs of paths, which begin with the name of the folder, and files. */
const libraryOfFolder = (pairs) => Object.freeze({
  name: pairs[0][0].split("/", 1)[0], count: pairs.length, kind: "folder", open: async () => filesOfFolder(pairs),
});

/** A library whose files were given one by one: pairs of paths and files. */
const libraryOfFiles = (pairs) => Object.freeze({
  ...libraryOfFolder(pairs.map(([path, file]) => [`/${path}`, file])), name: CHAIN,
});

/** A packed library. */
const libraryOfArchive = (file) => Object.freeze({
  name: file.name, count: 1, kind: "archive", open: async (policy) => openArchive(file, policy),
});

/** Add a library; there is not another one. */
const addLibrary = (found, library) => {
  if (found.library !== undefined) throw new Undecided("undecided.several", library.name);
  found.library = library;
};

/** Sort files that lie loose, into trust files by their kind, a packed library, and files of a library. */
const sortLoose = async (pairs) => {
  const found = { rest: [] };
  for (const [path, file] of pairs) {
    const isObjectText = file.size <= MAX_GIVEN && (await file.slice(0, 1).text()) === "{";
    const kind = isObjectText ? kindOfText(lenientText(await readGiven(file))) : null;
    if (kind !== null) found[kind] = await readGiven(file);
    else if (await isArchive(file)) addLibrary(found, libraryOfArchive(file));
    else found.rest.push([path, file]);
  }
  return found;
};

/**
 * Sort what was dropped: what lies loose, and what lies in folders. Files of a library that lie loose are all taken for
 * files of it: whoever made the library could have put root keys among them.
 */
const sortDropped = async (promises) => {
  const pairs = (await Promise.all(promises)).flat();
  if (pairs.some(([path]) => path === CHAIN || path === MANIFEST)) return { library: libraryOfFiles(pairs) };
  const below = pairs.filter(([path]) => path.includes("/"));
  const found = await sortLoose(pairs.filter(([path]) => !path.includes("/")));
  const folders = new Set(below.map(([path]) => path.split("/", 1)[0]));
  if (folders.size > 1) throw new Undecided("undecided.several", [...folders].join(", "));
  if (folders.size === 1) addLibrary(found, libraryOfFolder(below));
  return found;
};
