/* top_list.h - the k largest elements of a row while it is read, for plain C and vector code alike. */
#ifndef CPTK_TOP_LIST_H
#define CPTK_TOP_LIST_H

#include <math.h>

/* The k largest elements so far, in descending order, equal ones by index. */
typedef struct top_list {
    float *value; /* [k] */
    int *index;   /* [k] */
    int held, k;  /* how many there are, and may be */
} top_list;

/* Inserts x with index i if it is among the k largest.  NaN counts as -infinity.  Elements come in order of
 * their index, so that x goes behind the values that equal it. */
static inline void top_list_insert(top_list *list, float x, int i)
{
    const float v = isnan(x) ? -INFINITY : x;
    int at = list->held;
    if (list->held < list->k) {
        list->held++;
    } else if (v > list->value[list->k - 1]) {
        at = list->k - 1;
    } else {
        return;
    }
    for (; at > 0 && v > list->value[at - 1]; at--) {
        list->value[at] = list->value[at - 1];
        list->index[at] = list->index[at - 1];
    }
    list->value[at] = v;
    list->index[at] = i;
}

#endif
