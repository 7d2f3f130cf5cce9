"""Five kinds of evidence, each a module with one function of a claim, an implementation and a budget."""
