import * as pulumi from "@pulumi/pulumi";
import { RunError } from "@pulumi/pulumi/errors";

/**
 * Calls a function of this project's plugin. What a program has to know before it declares resources
 * and what only the network or the machine can tell is asked there: a test or a rendering answers in
 * the plugin's place, and no library of it costs the program load time.
 *
 * @param token such as `drydock:existing:detect`
 * @throws RunError with the plugin's words, where it answers with a `problem` of the user's
 */
export async function ask<T extends object>(token: string, args: pulumi.Inputs): Promise<T> {
  const answer = (await pulumi.runtime.invoke(token, args, { async: true })) as
    T | { readonly problem: string };
  if ("problem" in answer) throw new RunError(answer.problem);
  return answer;
}
