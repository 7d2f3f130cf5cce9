/* Offers weierstrass.lipschitz_bounded to `proofs-check vectors check --command ./lipschitz`: a line in, a line out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static double number(const char *line, const char *key, double missing) {
    const char *found = strstr(line, key);
    return found ? strtod(found + strlen(key), NULL) : missing;  /* reads 0x1.8p+0, inf and nan */
}
int main(void) {
    char line[65536], id[256];
    while (fgets(line, sizeof line, stdin)) {
        double sigma = number(line, "\"sigma\": \"", 1), mass = number(line, "\"mass\": \"", 1);
        int simplex = strstr(line, "\"into\": \"simplex\"") != NULL, known = simplex || !strstr(line, "\"into\"") || strstr(line, "interval");
        if (sscanf(line, "{\"id\": \"%255[^\"]", id) != 1) return 1;
        if (!strstr(line, "weierstrass.lipschitz_bounded")) printf("{\"id\": \"%s\", \"not_offered\": true}\n", id);
        else if (!(sigma > 0) || isinf(sigma) || !known) printf("{\"id\": \"%s\", \"refused\": \"sigma must be positive and finite\"}\n", id);
        else printf("{\"id\": \"%s\", \"result\": \"%a\"}\n", id, mass * (simplex ? sqrt(2) : 1) / sqrt(2 * acos(-1)) / sigma);
        fflush(stdout);
    }
    return 0;
}
