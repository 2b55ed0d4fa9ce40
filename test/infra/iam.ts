import type { Statement } from './template.ts';

/** What a principal asks of AWS: an action on a resource, and the context keys that AWS knows of the request. */
export type IamRequest = {
  readonly action: string;
  readonly resource: string;
  readonly context?: Readonly<Record<string, string>>;
};

/**
 * Whether a principal with these statements may do it, by IAM's own rules as far as our policies use them: a deny wins, a
 * condition on an absent key is false, and so is a variable without a value.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export function allows(statements: readonly Statement[], request: IamRequest): boolean {
  const effects = statements.filter((each) => applies(each, request)).map(({ Effect }) => Effect);
  return effects.includes('Allow') && !effects.includes('Deny');
}

function applies({ Action, Resource, Condition = {} }: Statement, request: IamRequest): boolean {
  const { action, resource, context = {} } = request;
  const conditions = Object.entries(Condition as Record<string, Record<string, unknown>>);
  return (
    listOf(Action).some((pattern) => matches(pattern, action, context)) &&
    listOf(Resource).some((pattern) => matches(pattern, resource, context)) &&
    conditions.every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) => {
        const actual = context[key];
        return (
          actual !== undefined && listOf(values).some((value) => holds(operator, value, actual, context))
        );
      }),
    )
  );
}

function holds(operator: string, value: string, actual: string, context: Record<string, string>): boolean {
  if (operator === 'StringLike') return matches(value, actual, context);
  if (operator === 'StringEquals' || operator === 'Bool') return value === actual;
  throw new Error(`IAM's ${operator} is not understood here`);
}

/** `*` and `?` are wildcards in the pattern, but not in what stands for a variable. */
function matches(pattern: string, text: string, context: Record<string, string>): boolean {
  const [, variable] = /\$\{([^}]+)\}/.exec(pattern) ?? [];
  if (variable !== undefined && context[variable] === undefined) return false;
  const parts = pattern.split(/(\$\{[^}]+\})/).map((part) => {
    if (part.startsWith('${')) return literally(context[part.slice(2, -1)] ?? '');
    return part
      .replaceAll(/[^*?]+/g, literally)
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
  });
  return new RegExp(`^${parts.join('')}$`, 's').test(text);
}

const literally = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');

const listOf = (value: unknown): string[] => [value].flat().map(String);
