/** As much of JSON Schema 2020-12 as the published schemas use; the schemas are data of this page. */
const TYPES = Object.freeze({
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === "string",
  boolean: (value) => typeof value === "boolean",
  number: (value) => typeof value === "number",
  integer: (value) => Number.isInteger(value),
});
const PATTERNS = new Map();

/** A pattern of a schema; `.` is all but a line feed, whatever else ends a line for JavaScript. */
const patternOf = (source) => {
  if (!PATTERNS.has(source)) PATTERNS.set(source, new RegExp(source.replaceAll(".*", "[^\\n]*"), "u"));
  return PATTERNS.get(source);
};

/** Length of a text in code points. */
const lengthOf = (text) => [...text].length;

/** What each keyword asks of a value of its type; `true` if it is satisfied. */
const KEYWORDS = Object.freeze({
  const: (value, wanted) => value === wanted,
  enum: (value, wanted) => wanted.includes(value),
  type: (value, wanted) => [wanted].flat().some((name) => TYPES[name](value)),
  minimum: (value, least) => typeof value !== "number" || value >= least,
  maximum: (value, most) => typeof value !== "number" || value <= most,
  minLength: (value, least) => typeof value !== "string" || lengthOf(value) >= least,
  maxLength: (value, most) => typeof value !== "string" || value.length <= most || lengthOf(value) <= most,
  pattern: (value, source) => typeof value !== "string" || patternOf(source).test(value),
  minItems: (value, least) => !Array.isArray(value) || value.length >= least,
  maxItems: (value, most) => !Array.isArray(value) || value.length <= most,
  uniqueItems: (value) => !Array.isArray(value) || new Set(value.map(canonical)).size === value.length,
  minProperties: (value, least) => !isObject(value) || Object.keys(value).length >= least,
  maxProperties: (value, most) => !isObject(value) || Object.keys(value).length <= most,
  required: (value, names) => !isObject(value) || names.every((name) => Object.hasOwn(value, name)),
});
/** Keywords that are handled below, or say nothing about a value. */
const STRUCTURE = new Set([
  "$ref", "$comment", "title", "properties", "additionalProperties", "propertyNames", "items", "if", "then",
]);

/** Yield what is wrong with a value: the place, and whether it is a foreign member of a closed object. */
function* faultsOf(schema, value, place) {
  if (schema.$ref !== undefined) yield* faultsOf(SCHEMAS[schema.$ref.slice("#/$defs/".length)], value, place);
  for (const [keyword, argument] of Object.entries(schema)) {
    if (STRUCTURE.has(keyword)) continue;
    if (!KEYWORDS[keyword](value, argument)) yield { place, foreign: false, detail: keyword };
  }
  if (isObject(value)) yield* faultsOfMembers(schema, value, place);
  if (Array.isArray(value) && schema.items !== undefined) {
    for (const [number, item] of value.entries()) yield* faultsOf(schema.items, item, `${place}/${number}`);
  }
  if (schema.if !== undefined && faultsOf(schema.if, value, place).next().done) {
    yield* faultsOf(schema.then, value, place);
  }
}

/** Yield what is wrong with the members of an object. */
function* faultsOfMembers(schema, value, place) {
  for (const [name, member] of Object.entries(value)) {
    const below = `${place}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (schema.propertyNames !== undefined) yield* faultsOf(schema.propertyNames, name, place);
    if (schema.properties !== undefined && Object.hasOwn(schema.properties, name)) {
      yield* faultsOf(schema.properties[name], member, below);
    } else if (schema.additionalProperties === false) {
      yield { place, foreign: true, detail: name.slice(0, 80) };
    } else if (schema.additionalProperties !== undefined) {
      yield* faultsOf(schema.additionalProperties, member, below);
    }
  }
}

/** Refuse a value that is no `name`: `E-SCHEMA`, or `E-SCHEMA-UNKNOWN` if only foreign members are wrong. */
const checkSchema = (name, value, where = "") => {
  let unknown = null;
  for (const fault of faultsOf(SCHEMAS[name], value, where.includes("#") ? where : `${where}#`)) {
    if (!fault.foreign) refuse("E-SCHEMA", fault.place, fault.detail);
    unknown ??= fault;
  }
  if (unknown !== null) refuse("E-SCHEMA-UNKNOWN", unknown.place, unknown.detail);
};
