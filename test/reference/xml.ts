/** A strict reader of XML without declarations: throws where a browser's XML parser would. */

/** One element; `text` is what stands directly in it. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: XmlElement[];
  text: string;
}

const ENTITIES = new Map([
  ["&amp;", "&"],
  ["&lt;", "<"],
  ["&gt;", ">"],
  ["&quot;", '"'],
]);

function decodeEntities(text: string): string {
  const rest = text.replaceAll(/&\w+;/g, (entity) => {
    const found = ENTITIES.get(entity);
    if (found === undefined) throw new Error(`entity ${entity}`);
    return `\ue000${found}`;
  });
  if (/(?<!\ue000)&|(?<!\ue000)</.test(rest)) throw new Error(`bare & or < in ${text}`);
  return rest.replaceAll("\ue000", "");
}

/** The root element of a text. */
export function parseXml(text: string): XmlElement {
  const document: XmlElement = { name: "", attributes: new Map(), children: [], text: "" };
  const open = [document];
  for (const [, tag, content] of text.matchAll(/<([^<>]*(?:"[^"]*"[^<>]*)*)>|([^<>]+)/g)) {
    const parent = open.at(-1)!;
    if (content !== undefined) parent.text += decodeEntities(content);
    else if (tag!.startsWith("/")) {
      if (open.pop()!.name !== tag!.slice(1)) throw new Error(`</${tag!.slice(1)}> closes another element`);
    } else {
      const child = element(tag!.replace(/\/$/, ""));
      parent.children.push(child);
      if (!tag!.endsWith("/")) open.push(child);
    }
  }
  if (open.length !== 1 || document.children.length !== 1 || document.text.trim() !== "")
    throw new Error(
      `${document.children.length} roots, ${open.length - 1} open elements, text "${document.text.trim()}"`,
    );
  return document.children[0]!;
}

function element(tag: string): XmlElement {
  const name = /^[A-Za-z][\w-]*/.exec(tag)?.[0] ?? "";
  if (name === "") throw new Error(`tag <${tag}>`);
  const attributes = new Map<string, string>();
  const rest = tag.slice(name.length).replaceAll(/\s+([\w:-]+)="([^"]*)"/g, (_, key: string, value: string) => {
    if (attributes.has(key)) throw new Error(`<${name}> has ${key} twice`);
    attributes.set(key, decodeEntities(value));
    return "";
  });
  if (rest.trim() !== "") throw new Error(`<${name}> has ${rest}`);
  return { name, attributes, children: [], text: "" };
}

/** An element and all below it. */
export function* allOf(root: XmlElement): Generator<XmlElement> {
  yield root;
  for (const child of root.children) yield* allOf(child);
}
