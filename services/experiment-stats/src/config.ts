export { analyserConfigSchema as configSchema } from '@slipway/platform';
