// For bundlers and browsers. Without top-level await, which not every output format of a bundler has.
import { encodeSafetensors, rebasin } from "rebasin";

async function bytes(path) {
  return new Uint8Array(await (await fetch(path)).arrayBuffer());
}

async function digest() {
  const { model } = await rebasin(await bytes("/fixtures/a"), await bytes("/fixtures/b"), { threads: 2 });
  const hash = await crypto.subtle.digest("SHA-256", await encodeSafetensors(model));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

digest().then(
  (text) => fetch("/result", { method: "POST", body: text }),
  (error) => fetch("/result", { method: "POST", body: String(error?.stack ?? error) }),
);
