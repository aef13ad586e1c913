/**
 * What the workers of the page do with files, for tests: every read of a Blob and every write into a file of the browser
 * is reported to the page, and can be made to fail or to be slow. To be run before the page's own scripts.
 */

/** In the page: what was seen, and how files behave. */
export interface Watched {
  /** Bytes of each read of a Blob. */
  readonly reads: number[];
  /** Bytes of each write into a file of the browser. */
  readonly writes: number[];
  mode: "" | "full" | "slow" | "no files";
}

const IN_WORKER = `
const watcher = new BroadcastChannel("watch");
let mode = "";
watcher.onmessage = ({ data }) => { if (data.mode !== undefined) mode = data.mode; };
watcher.postMessage({ hello: true });
for (const name of ["arrayBuffer", "text", "stream"]) {
  const own = Blob.prototype[name];
  Blob.prototype[name] = function () { watcher.postMessage({ read: this.size }); return own.call(this); };
}
for (const name of ["readAsArrayBuffer", "readAsText"]) {
  const own = FileReaderSync.prototype[name];
  FileReaderSync.prototype[name] = function (blob) { watcher.postMessage({ read: blob.size }); return own.call(this, blob); };
}
const write = FileSystemSyncAccessHandle.prototype.write;
FileSystemSyncAccessHandle.prototype.write = function (bytes, options) {
  if (mode === "full") throw new DOMException("no room", "QuotaExceededError");
  for (const end = performance.now() + 200; mode === "slow" && performance.now() < end; );
  watcher.postMessage({ write: bytes.byteLength });
  return write.call(this, bytes, options);
};
const writeStream = FileSystemWritableFileStream.prototype.write;
FileSystemWritableFileStream.prototype.write = function (bytes) {
  if (mode === "full") return Promise.reject(new DOMException("no room", "QuotaExceededError"));
  return writeStream.call(this, bytes);
};
const getDirectory = StorageManager.prototype.getDirectory;
StorageManager.prototype.getDirectory = function () {
  return mode === "no files" ? Promise.reject(new DOMException("not here", "SecurityError")) : getDirectory.call(this);
};
`;

/** The page starts its workers by way of Blobs of JavaScript. */
export const WATCH_WORKERS: string = `
window.watched = { reads: [], writes: [], mode: "" };
const channel = new BroadcastChannel("watch");
channel.onmessage = ({ data }) => {
  if (data.hello) channel.postMessage({ mode: watched.mode });
  if (data.read !== undefined) watched.reads.push(data.read);
  if (data.write !== undefined) watched.writes.push(data.write);
};
window.setMode = (mode) => { watched.mode = mode; channel.postMessage({ mode }); };
window.Blob = new Proxy(Blob, {
  construct: (target, [parts, options]) =>
    new target(options?.type === "text/javascript" ? [...parts, ${JSON.stringify(IN_WORKER)}] : parts, options),
});
`;
