import type { Resource } from './synth.ts';

/** Looking things up in a template's resources, as `resourcesOf` gives them. */
export type Resources = Record<string, Resource>;

export type Statement = {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Condition?: unknown;
  Principal?: unknown;
  Sid?: string;
};

export const ofType = (type: string, from: Resources): Resources =>
  Object.fromEntries(Object.entries(from).filter(([, { Type }]) => Type === type));

export function theOnly(type: string, from: Resources): Resource {
  const [resource, ...more] = Object.values(ofType(type, from));
  if (!resource || more.length > 0) throw new Error(`not exactly one ${type}`);
  return resource;
}

export const statementsOf = ({ Properties }: Resource): Statement[] =>
  (Properties['PolicyDocument'] as { Statement: Statement[] }).Statement;

/** Who may do what to what: the whole of every policy that gives a role or an app something. */
export function grants(from: Resources): Record<string, Statement[]> {
  const policies = { ...ofType('AWS::IAM::Policy', from), ...ofType('AWS::IAM::ManagedPolicy', from) };
  return Object.fromEntries(Object.entries(policies).map(([id, policy]) => [id, statementsOf(policy)]));
}

export const allow = (actions: string | string[], resource: string | string[], condition?: object) => ({
  Effect: 'Allow',
  Action: actions,
  Resource: resource,
  ...(condition && { Condition: condition }),
});
