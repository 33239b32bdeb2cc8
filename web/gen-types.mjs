// Turns openapi.yaml into src/api/contract.ts: one type a schema, and one row an operation with its method,
// path, parameters, body and answer. The UI speaks to the server through these rows alone, so a route that
// the contract does not have cannot be called.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

const here = dirname(fileURLToPath(import.meta.url))

export function loadContract() {
  return parse(readFileSync(join(here, '..', 'openapi.yaml'), 'utf8'))
}

function quoted(key) {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key)
}

function refName(ref) {
  return ref.slice(ref.lastIndexOf('/') + 1)
}

function typeOfObject(schema, depth) {
  const tab = '\t'.repeat(depth + 1)
  const required = new Set(schema.required ?? [])
  const fields = Object.entries(schema.properties ?? {}).map(([key, value]) => {
    const about = value.description ? `${tab}/** ${value.description.trim()} */\n` : ''
    return `${about}${tab}${quoted(key)}${required.has(key) ? '' : '?'}: ${typeOf(value, depth + 1)}\n`
  })
  if (!fields.length) {
    const other = schema.additionalProperties
    if (other && typeof other === 'object') return `Record<string, ${typeOf(other, depth)}>`
    return other ? 'Record<string, unknown>' : 'Record<string, never>'
  }
  return `{\n${fields.join('')}${'\t'.repeat(depth)}}`
}

function typeOf(schema, depth = 0) {
  if (schema.$ref) return refName(schema.$ref)
  if (schema.oneOf) return schema.oneOf.map((s) => typeOf(s, depth)).join(' | ')
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((v) => JSON.stringify(v)).join(' | ')
  if (Array.isArray(schema.type)) {
    return schema.type.map((t) => typeOf({ ...schema, type: t }, depth)).join(' | ')
  }
  switch (schema.type) {
    case 'string': return 'string'
    case 'integer':
    case 'number': return 'number'
    case 'boolean': return 'boolean'
    case 'null': return 'null'
    case 'array': {
      if (schema.prefixItems) return `[${schema.prefixItems.map((s) => typeOf(s, depth)).join(', ')}]`
      const item = typeOf(schema.items, depth)
      return item.includes(' | ') ? `(${item})[]` : `${item}[]`
    }
    case 'object': return typeOfObject(schema, depth)
    default: throw new Error(`openapi.yaml: cannot turn ${JSON.stringify(schema)} into a type`)
  }
}

function parameterOf(contract, parameter) {
  return parameter.$ref ? contract.components.parameters[refName(parameter.$ref)] : parameter
}

function answerOf(operation) {
  for (const status of ['200', '201', '202']) {
    const content = operation.responses[status]?.content
    if (!content) continue
    const json = content['application/json']
    return json ? typeOf(json.schema, 1) : 'string'
  }
  return 'undefined'
}

export function operationsOf(contract) {
  const methods = ['get', 'post', 'put', 'patch', 'delete']
  return Object.entries(contract.paths).flatMap(([path, item]) => methods.filter((m) => item[m]).map((method) => {
    const operation = item[method]
    const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((p) => parameterOf(contract, p))
    const root = (item.servers ?? operation.servers)?.[0]?.url === '/'
    return { id: operation.operationId, method: method.toUpperCase(), path, root, parameters, operation }
  }))
}

function operationTypes(row) {
  const fields = row.parameters.filter((p) => p.in !== 'header')
    .map((p) => `${quoted(p.name)}${p.in === 'path' ? '' : '?'}: ${typeOf(p.schema, 2)}`)
  const body = row.operation.requestBody
  const schema = body?.content['application/json']?.schema
  return `\t/** ${row.operation.summary} */\n\t${row.id}: {\n\t\tparams: {${fields.length ? ` ${fields.join('; ')} ` : ''}}\n`
    + `\t\tbody: ${schema ? typeOf(schema, 2) + (body.required ? '' : ' | undefined') : 'undefined'}\n\t\tanswer: ${answerOf(row.operation)}\n\t}\n`
}

export function generate(contract) {
  const rows = operationsOf(contract).filter((row) => !row.root)
  const types = Object.entries(contract.components.schemas).map(([name, schema]) => {
    const about = schema.description ? `/** ${schema.description.trim()} */\n` : ''
    return `${about}export type ${name} = ${typeOf(schema)}\n`
  })
  return '// Made from openapi.yaml by gen-types.mjs: change that file, not this one.\n\n' + types.join('\n')
    + '\n/** What each operation takes and answers. */\nexport interface Operations {\n' + rows.map(operationTypes).join('') + '}\n\n'
    + 'export const operations: Record<keyof Operations, readonly [method: string, path: string]> = {\n'
    + rows.map((r) => `\t${r.id}: ['${r.method}', '${r.path}'],\n`).join('') + '}\n'
}

export function writeTypes() {
  const file = join(here, 'src', 'api', 'contract.ts')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, generate(loadContract()))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeTypes()
