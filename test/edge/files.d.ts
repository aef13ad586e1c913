/** The bundler embeds the bytes of a file. */
declare module "*.safetensors" {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
