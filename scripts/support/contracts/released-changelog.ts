/** CHANGELOG.md after a release. */
const UNRELEASED = "## [Unreleased]";

/** @throws where there is nothing to release, or the version exists */
export function released(changelog: string, version: string, day: string): string {
  const [before, after] = changelog.split(UNRELEASED);
  if (before === undefined || after === undefined) throw new Error(`CHANGELOG.md has no ${UNRELEASED}`);
  if (changelog.includes(`## [${version}]`)) throw new Error(`CHANGELOG.md has ${version} already`);
  if (!after.split("\n## ")[0]?.includes("- ")) throw new Error("CHANGELOG.md has nothing unreleased");
  return `${before}${UNRELEASED}\n\n## [${version}] - ${day}${after}`;
}
