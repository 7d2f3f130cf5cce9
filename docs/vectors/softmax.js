// Offers simplex.softmax to `proofs-check vectors check --command "node softmax.js"`: a line in, a line out.
const hex = (text) => {
  const found = /^(-?)0x([01])(?:\.([0-9a-f]+))?p([+-]\d+)$/.exec(text);
  if (!found) return Number({ inf: "Infinity", "-inf": "-Infinity" }[text] ?? "NaN");
  const [, sign, head, tail = "", power] = found;
  return (sign ? -1 : 1) * parseInt(head + tail, 16) * 2 ** -(4 * tail.length) * 2 ** Number(power);
};
const softmax = (z, t, mass) => {
  if (Array.isArray(z[0])) return z.map((row) => softmax(row, t, mass));
  const top = Math.max(...z), powers = z.map((v) => Math.exp((v - top) / t)), total = powers.reduce((a, b) => a + b);
  return powers.map((p) => (mass * p) / total);
};
const deep = (z) => (Array.isArray(z) ? z.map(deep) : hex(z));
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, function: name, inputs } = JSON.parse(line);
  if (name !== "simplex.softmax") return console.log(JSON.stringify({ id, not_offered: true }));
  const z = deep(inputs.z), t = hex(inputs.temperature ?? "0x1p+0"), mass = hex(inputs.mass ?? "0x1p+0");
  const good = z.flat().every(Number.isFinite) && t > 0 && mass > 0;
  console.log(JSON.stringify(good ? { id, result: softmax(z, t, mass) } : { id, refused: "finite scores and positive numbers" }));
});
