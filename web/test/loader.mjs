import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { transformSync } from 'esbuild'

export async function resolve(specifier, context, next) {
	if (specifier.startsWith('.') && context.parentURL) {
		for (const extension of ['.ts', '.tsx']) {
			const url = new URL(specifier + extension, context.parentURL)
			if (existsSync(fileURLToPath(url))) return { url: url.href, shortCircuit: true }
		}
	}
	return next(specifier, context)
}

export async function load(url, context, next) {
	if (!/\.tsx?$/.test(url)) return next(url, context)
	const { code } = transformSync(readFileSync(fileURLToPath(url), 'utf8'), { loader: url.endsWith('x') ? 'tsx' : 'ts', jsx: 'automatic', jsxImportSource: 'preact', format: 'esm' })
	return { format: 'module', source: code, shortCircuit: true }
}
