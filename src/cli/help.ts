import { Help, type HelpConfiguration, type Option } from 'commander';

/** Commander's help, without the defaults that say nothing: false, and lists of nothing. */
export const HELP: HelpConfiguration = {
  optionDescription: (option) => new Help().optionDescription(withoutNothing(option)),
};

function withoutNothing(option: Option): Option {
  const { defaultValue } = option;
  const isNothing =
    defaultValue === false ||
    (typeof defaultValue === 'object' && Object.keys(defaultValue ?? {}).length === 0);
  if (!isNothing) return option;
  const copy: Option = Object.create(Object.getPrototypeOf(option));
  return Object.assign(copy, option, { defaultValue: undefined });
}
