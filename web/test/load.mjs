// Lets node run the sources as they are: strips types with esbuild and finds files without their extension.
import { register } from 'node:module'

register('./loader.mjs', import.meta.url)
