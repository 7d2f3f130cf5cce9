// A button that copies, beside code and BibTeX; without this script they can be selected by hand.
"use strict";
(() => {
  if (!navigator.clipboard) return;
  for (const block of document.querySelectorAll("pre:has(> code)")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(block.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(block);
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    block.before(button);
  }
})();
