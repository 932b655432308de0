import { parseTemplate } from './parse.ts';
import { render } from './render.ts';

export { type Columns, list, type Row } from './rows.ts';

/** `data` through a Go template. @throws `FORMAT_INVALID`, `FORMAT_FIELD`, `FORMAT_FUNCTION` */
export function formatWith(template: string): (data: unknown) => string {
  const nodes = parseTemplate(template);
  return (data) => render(nodes, data);
}
