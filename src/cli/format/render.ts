import { ClocheError } from '../../error.ts';
import { FUNCTIONS, isTrue, printed } from './functions.ts';
import type { Call, Node, Operand, Pipe } from './parse.ts';

/** What `.` is, and the variables by their names; `$` is what the template was given. */
interface Scope {
  readonly dot: unknown;
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * A parsed template with `data` put in.
 *
 * @throws {ClocheError} `FORMAT_FIELD`: there is no such field; `FORMAT_FUNCTION`.
 */
export function render(nodes: readonly Node[], data: unknown): string {
  return all(nodes, { dot: data, variables: { $: data } });
}

function all(nodes: readonly Node[], scope: Scope): string {
  return nodes.map((node) => one(node, scope)).join('');
}

function one(node: Node, scope: Scope): string {
  if (node.kind === 'text') return node.text;
  const value = piped(node.pipe, scope);
  if (node.kind === 'value') return printed(value);
  if (node.kind === 'range') return ranged(node, value, scope);
  if (!isTrue(value)) return all(node.otherwise, scope);
  return all(node.then, node.kind === 'with' ? named(node.names, scope, undefined, value) : scope);
}

function ranged(node: Extract<Node, { pipe: Pipe; then: unknown }>, value: unknown, scope: Scope) {
  const entries: [unknown, unknown][] = Array.isArray(value)
    ? value.map((item, i) => [i, item])
    : Object.entries(value ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return all(node.otherwise, scope);
  return entries.map(([key, item]) => all(node.then, named(node.names, scope, key, item))).join('');
}

function named(names: readonly string[], scope: Scope, key: unknown, value: unknown): Scope {
  const [first, second] = names;
  const variables = { ...scope.variables };
  if (second !== undefined) variables[second] = value;
  if (first !== undefined) variables[first] = second === undefined ? value : key;
  return { dot: value, variables };
}

function piped(pipe: Pipe, scope: Scope): unknown {
  return pipe.reduce<readonly unknown[]>((last, call) => [called(call, last, scope)], [])[0];
}

function called(call: Call, last: readonly unknown[], scope: Scope): unknown {
  const [first, ...rest] = call;
  if (first?.kind !== 'function') return first === undefined ? undefined : worth(first, scope);
  const apply = Object.hasOwn(FUNCTIONS, first.name) ? FUNCTIONS[first.name] : undefined;
  if (apply === undefined)
    throw new ClocheError(
      'FORMAT_FUNCTION',
      `template parsing error: function "${first.name}" not defined`,
      { class: 'invalid-argument', hint: `there are ${Object.keys(FUNCTIONS).join(', ')}` },
    );
  return apply(...rest.map((operand) => worth(operand, scope)), ...last);
}

function worth(operand: Operand, scope: Scope): unknown {
  return operand.path.reduce(fieldOf, rootOf(operand, scope));
}

function rootOf(operand: Operand, scope: Scope): unknown {
  if (operand.kind === 'dot') return scope.dot;
  if (operand.kind === 'literal') return operand.value;
  if (operand.kind === 'pipe') return piped(operand.pipe, scope);
  if (operand.kind === 'function') return called([operand], [], scope);
  if (Object.hasOwn(scope.variables, operand.name)) return scope.variables[operand.name];
  throw new ClocheError(
    'FORMAT_FIELD',
    `template parsing error: undefined variable "${operand.name}"`,
    {
      class: 'invalid-argument',
    },
  );
}

/** A misspelt field is an error, as with docker: an empty line would be taken for the answer. */
function fieldOf(value: unknown, name: string): unknown {
  const fields = typeof value === 'object' && value !== null ? (value as object) : {};
  if (Object.hasOwn(fields, name)) return (fields as Record<string, unknown>)[name];
  const known = Array.isArray(value) ? [] : Object.keys(fields);
  throw new ClocheError(
    'FORMAT_FIELD',
    `template parsing error: map has no entry for key "${name}"`,
    {
      class: 'invalid-argument',
      hint:
        known.length === 0 ? `what has no fields has no ${name}` : `there are ${known.join(', ')}`,
    },
  );
}
