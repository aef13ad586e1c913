/** The bundler embeds a .wasm file as a base64 string (esbuild loader "base64"). */
declare module "*.wasm" {
  const base64: string;
  export default base64;
}
