// The list of claims by source, kind and text. Without this script all rows are shown.
"use strict";
(() => {
  const form = document.getElementById("filters");
  const count = document.getElementById("count");
  const rows = [...document.querySelectorAll("table.claims tbody tr")];
  const words = rows.map((row) => row.textContent.toLowerCase());

  function apply() {
    const source = form.elements.source.value;
    const text = form.elements.text.value.trim().toLowerCase();
    const kinds = [...form.querySelectorAll("input[name=kind]:checked")].map((box) => box.value);
    let shown = 0;
    rows.forEach((row, i) => {
      const own = row.dataset.kinds.split(" ");
      const fits = (!source || row.dataset.source === source) && words[i].includes(text)
        && (!kinds.length || kinds.some((kind) => own.includes(kind)));
      row.hidden = !fits;
      shown += fits;
    });
    count.textContent = `${shown} of ${rows.length} claims`;
  }

  const asked = new URLSearchParams(location.search);
  form.elements.source.value = asked.get("source") || "";
  if (form.elements.source.selectedIndex < 0) form.elements.source.value = "";
  form.elements.text.value = asked.get("text") || "";
  for (const box of form.querySelectorAll("input[name=kind]")) box.checked = asked.getAll("kind").includes(box.value);
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  form.hidden = false;
  apply();
})();
