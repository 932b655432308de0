import { expect, test } from 'bun:test';
import { Page } from './page.ts';

function pageOf(columns: number | undefined) {
  const about = { text: '', columns };
  const paper = {
    out: (more: string) => {
      about.text += more;
    },
    columns: () => about.columns,
  };
  return { page: new Page(paper, (text) => text), about };
}

test('the changing line is never wider than the terminal, and gives way to text', () => {
  const { page, about } = pageOf(20);
  page.show('something that is much too long');
  expect(about.text).toBe('   … something tha…');
  page.say('done');
  expect(about.text).toEndWith('\r\u001b[Jdone\n');
});

test('the same line is not written twice, in a terminal of another width it is', () => {
  const { page, about } = pageOf(40);
  page.show('not yet, there is no directory /jail');
  const once = about.text;
  page.show('not yet, there is no directory /jail');
  expect(about.text).toBe(once);
  about.columns = 20;
  page.show('not yet, there is no directory /jail');
  // It was 39 wide, which are two lines now.
  expect(about.text.slice(once.length)).toBe('\u001b[1A\r\u001b[J   … not yet, ther…');
});

test('where there is no terminal each state is a line, and nothing is wiped away', () => {
  const { page, about } = pageOf(undefined);
  page.show('not yet');
  page.show('not yet');
  page.say('done');
  page.clear();
  expect(about.text).toBe('   … not yet\ndone\n');
});
