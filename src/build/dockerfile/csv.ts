/**
 * The fields of one line of comma separated values, as in `--mount=type=bind,"source=a,b"`: a field
 * in double quotes may hold commas, and quotes doubled. Pure.
 *
 * @throws {SyntaxError} a quote that is not closed, or stands inside of a bare field.
 */
export function splitCsv(line: string): string[] {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    const [whole, quoted, bare = ''] = /^(?:"((?:[^"]|"")*)"(?=,|$)|([^,]*))/s.exec(
      line.slice(at),
    ) ?? [''];
    if (quoted === undefined && bare.includes('"'))
      throw new SyntaxError(`a " does not belong in '${bare}', or is not closed`);
    fields.push(quoted === undefined ? bare : quoted.replaceAll('""', '"'));
    at += whole.length + 1;
    if (at > line.length) return fields;
  }
}
