// The page /offline in a real Chromium: paste, choose, drop, submit, copy; by keyboard alone; without scripts; and
// axe-core finds nothing. Started by tests/offline/run.sh.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createRequire } from "node:module";

const require = createRequire(path.join(process.env.MODULES, "x.js"));
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const program = process.env.PROGRAM;
const out = process.env.OUT;

const home = fs.mkdtempSync(path.join(os.tmpdir(), "vct-offline-"));
const client = ["--visualcron-dir", "vc", "--config", "settings.toml", "--data-dir", "data"];
const run = (...args) => execFileSync(program, args, { cwd: home, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
const write = (name, text) => fs.writeFileSync(path.join(home, name), text);
write("licenses.toml", `[[license]]\nactivation_code = "AAAA-1111"\nserver_id = "id-0001"\nkind = "subscription"\nmaintenance_until = 2027-01-31\n`);
write("settings.toml", `[[server]]\nname = "PROD-01"\nserver_id = "id-0001"\nactivation_code = "AAAA-1111"\n`);
run("license-host", "key", "new", "--keys", "keys");
write("keys.json", run("license-host", "key", "export", "--keys", "keys"));
fs.mkdirSync(path.join(home, "data"), { mode: 0o700 });
run(...client, "license-host", "trust", "host.example", "--file", "keys.json", "--yes");

const host = spawn(program, ["license-host", "--listen", "127.0.0.1:0", "--licenses", "licenses.toml", "--keys", "keys",
  "--self-signed", "--audit", "audit.jsonl"], { cwd: home, stdio: ["ignore", "pipe", "inherit"] });
const origin = await new Promise((found, failed) => {
  let said = "";
  host.stdout.on("data", (data) => {
    said += data;
    const address = said.match(/https:\/\/[0-9.:]+/);
    if (address) found(address[0]);
  });
  host.on("exit", () => failed(new Error(`the host ended: ${said}`)));
});

const exported = () => run(...client, "validate", "export", "PROD-01");
const imported = (text) => {
  write("answer.txt", text);
  assert.match(run(...client, "validate", "import", "answer.txt"), /valid\. Subscription until 2027-01-31/);
};
const answerField = (page) => page.getByLabel(/Text of the answer/);

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
let tried = 0;

/** One scenario on a page of its own; whatever the browser complains of fails it. */
async function scenario(name, options, steps) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, permissions: ["clipboard-read", "clipboard-write"], ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  try {
    await page.goto(`${origin}/offline`);
    await steps(page, context);
    // A browser always asks for an icon, and tells of an answer that is an error.
    const serious = complaints.filter((text) => !/favicon|status of 40[04]/.test(text));
    assert.deepEqual(serious, [], name);
    tried += 1;
    console.log(`ok ${name}`);
  } finally {
    await page.screenshot({ path: path.join(out, `${name.replace(/\W+/g, "-")}.png`), fullPage: true });
    await context.close();
  }
}

/** What axe-core has against the page: in a world of its own, since the page's policy allows no script. */
async function accessible(page, context) {
  const session = await context.newCDPSession(page);
  const { frameTree } = await session.send("Page.getFrameTree");
  const world = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id, worldName: "axe" });
  const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
    contextId: world.executionContextId,
    expression: `${axe}; axe.run(document, { resultTypes: ["violations"] }).then((r) => JSON.stringify({
      passes: r.passes.length, violations: r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.html).join(" ")) }))`,
    awaitPromise: true,
    returnByValue: true,
  });
  assert.equal(exceptionDetails, undefined);
  const { passes, violations } = JSON.parse(result.value);
  assert.ok(passes > 10, "axe-core looked at hardly anything");
  assert.deepEqual(violations, []);
}

try {
  for (const colorScheme of ["light", "dark"]) {
    await scenario(`axe finds nothing ${colorScheme}`, { colorScheme }, async (page, context) => {
      await accessible(page, context);
      await page.getByLabel("Text of the request").fill("Dear host");
      await page.getByRole("button", { name: "Answer the request" }).click();
      await page.getByRole("alert").waitFor();
      await accessible(page, context);
      await page.getByLabel("Text of the request").fill(exported());
      await page.getByRole("button", { name: "Answer the request" }).click();
      await answerField(page).waitFor();
      await accessible(page, context);
    });
  }

  await scenario("paste submit copy", {}, async (page) => {
    const request = exported();
    await page.evaluate((text) => navigator.clipboard.writeText(text), request);
    await page.getByLabel("Text of the request").click();
    await page.keyboard.press("Control+V");
    await page.getByRole("button", { name: "Answer the request" }).click();
    await answerField(page).click();
    await page.keyboard.press("Control+A");
    await page.keyboard.press("Control+C");
    imported(await page.evaluate(() => navigator.clipboard.readText()));
  });

  await scenario("by keyboard alone", {}, async (page) => {
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.tagName);
    const request = exported();
    await page.evaluate((text) => navigator.clipboard.writeText(text), request);
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "request");
    await page.keyboard.press("Control+V");
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "file");
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "BUTTON");
    await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "text");
    await page.keyboard.press("Control+A");
    await page.keyboard.press("Control+C");
    imported(await page.evaluate(() => navigator.clipboard.readText()));
  });

  await scenario("a file chosen and the answer saved", {}, async (page) => {
    write("request.txt", exported().replaceAll("\n", "\r\n"));
    await page.getByLabel("or its file").setInputFiles(path.join(home, "request.txt"));
    await page.getByRole("button", { name: "Answer the request" }).click();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Save it as a file" }).click()]);
    assert.equal(download.suggestedFilename(), "validation-answer.txt");
    imported(fs.readFileSync(await download.path(), "utf8"));
  });

  await scenario("a file dropped", {}, async (page, context) => {
    write("dropped.txt", exported());
    const box = await page.getByLabel("or its file").boundingBox();
    const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    const data = { items: [], files: [path.join(home, "dropped.txt")], dragOperationsMask: 1 };
    const session = await context.newCDPSession(page);
    for (const type of ["dragEnter", "dragOver", "drop"]) await session.send("Input.dispatchDragEvent", { type, ...at, data });
    await page.getByRole("button", { name: "Answer the request" }).click();
    imported(await answerField(page).inputValue());
  });

  await scenario("without scripts and narrow", { javaScriptEnabled: false, viewport: { width: 320, height: 640 } }, async (page) => {
    await page.getByLabel("Text of the request").fill(exported());
    await page.getByRole("button", { name: "Answer the request" }).click();
    imported(await answerField(page).inputValue());
  });
} finally {
  await browser.close();
  host.kill("SIGTERM");
}
const code = await new Promise((ended) => (host.exitCode === null ? host.on("exit", ended) : ended(host.exitCode)));
assert.equal(code, 0, "the host ends well");
fs.rmSync(home, { recursive: true });
console.log(`${tried} scenarios of the page /offline passed.`);
