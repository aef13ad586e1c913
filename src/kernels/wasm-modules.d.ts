/** The bundler embeds a .wasm file as hexadecimal text (scripts/embed-wasm.mjs). */
declare module "*.wasm" {
  const hex: string;
  export default hex;
}
