/* cc -o bonferroni bonferroni.c && proofs-check vectors check --command ./bonferroni 'confidence.*' */
#include <stdio.h>
#define REQUEST "{\"id\": \"%99[^\"]\", \"function\": \"confidence.bonferroni\", \"inputs\": {\"alpha\": \"%la\", \"m\": %d}}"
int main(void) {
    char line[1 << 16], id[100];
    for (double alpha; fgets(line, sizeof line, stdin); fflush(stdout)) {
        int m, found = sscanf(line, REQUEST, id, &alpha, &m);  /* %la reads 0x1.8p+0, inf and nan */
        if (found == 1) printf("{\"id\": \"%s\", \"not_offered\": true}\n", id);
        if (found < 3) continue;
        if (!(alpha > 0 && alpha < 1 && m >= 1)) printf("{\"id\": \"%s\", \"refused\": \"a risk, a number\"}\n", id);
        else printf("{\"id\": \"%s\", \"result\": \"%a\"}\n", id, alpha / m);
    }
}
