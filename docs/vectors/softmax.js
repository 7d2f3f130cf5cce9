// proofs-check vectors check --command "node softmax.js" 'simplex.*'
const number = (text) => {  // 0x1.8p+1 is 3; inf and nan stay strings, which are refused
  const [found, sign, digits, tail, power] = /^(-?)0x(.)\.?(.*)p(.*)$/.exec(text) ?? [];
  return found && (sign ? -1 : 1) * parseInt(digits + tail, 16) * 2 ** (power - 4 * tail.length);
};
const softmax = (z, t, mass) => {
  if (Array.isArray(z[0])) return z.map((row) => softmax(row, t, mass));
  const powers = z.map((v) => Math.exp((v - Math.max(...z)) / t));
  return powers.map((p) => (mass * p) / powers.reduce((a, b) => a + b));
};
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, function: name, inputs: { z, temperature = 1, mass = 1 } } = JSON.parse(line, (_, v) => number(v) ?? v);
  const good = name === "simplex.softmax" && z.flat().every(Number.isFinite) && temperature > 0 && mass > 0;
  const answer = good ? { result: softmax(z, temperature, mass) } : { refused: "finite scores, positive numbers" };
  console.log(JSON.stringify({ id, ...(name === "simplex.softmax" ? answer : { not_offered: true }) }));
});
