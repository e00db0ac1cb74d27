// SPDX-License-Identifier: MIT
// junit.mjs FOLDER: how two readers of JUnit XML count each *.xml of the folder: READER FILE TESTS FAILURES ERRORS SKIPPED.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parse } from "junit2json";
import parser from "test-results-parser";

const folder = process.argv[2];
for (const name of readdirSync(folder).filter(name => name.endsWith(".xml")).sort()) {
  const path = join(folder, name);
  const cases = (await parse(readFileSync(path, "utf8"))).testsuite.flatMap(suite => suite.testcase ?? []);
  const having = kind => cases.filter(c => c[kind]?.length).length;
  console.log("junit2json", name, cases.length, having("failure"), having("error"), having("skipped"));
  const { result, errors } = parser.parseV2({ type: "junit", files: [path] });
  if (errors?.length) {
    throw new Error(errors.join("; "));
  }
  const skipped = result.suites.reduce((sum, suite) => sum + suite.skipped, 0); // the root has no such attribute
  console.log("test-results-parser", name, result.total, result.failed, result.errors, skipped);
}
