/* fuzz_predictions.c - predicted captions and references for them: read, joined and scored.
 *
 * Input: the predictions, a separator, the references.  Without references, those of the predictions file. */
#include <stdlib.h>

#include "test/fuzz/fuzz.h"
#include "tools/eval/predictions.h"

static void score(const eval_predictions *list, const eval_refs *refs)
{
    eval_joined joined;
    if (eval_join(&joined, list, refs, NULL)) {
        eval_scores total;
        eval_scores *each = calloc(eval_corpus_size(joined.corpus) + 1, sizeof *each);
        fuzz_need(each != NULL);
        if (eval_score(joined.corpus, NULL, &total, each, NULL)) {
            for (int i = 0; i < 4; i++) fuzz_need(total.bleu[i] >= 0 && total.bleu[i] <= 1);
            fuzz_need(total.meteor >= 0 && total.meteor <= 1 && total.rouge_l >= 0 && total.rouge_l <= 1);
            fuzz_need(total.cider >= 0 && total.cider < 10.0001);
        }
        free(each);
    }
    eval_joined_free(&joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_bytes parts[2];
    char predictions[FUZZ_PATH], captions[FUZZ_PATH];
    tool_error error = {{0}};
    fuzz_split((fuzz_bytes){data, size}, parts, 2);
    fuzz_write(predictions, "predictions", parts[0]);
    fuzz_write(captions, "captions.txt", parts[1]);
    eval_predictions list;
    const bool ok = eval_predictions_read(&list, predictions, &error);
    fuzz_need(ok || error.message[0] != '\0');
    eval_refs *refs = ok && parts[1].size ? eval_refs_read(captions, NULL) : NULL;
    if (ok && (refs || list.refs)) score(&list, refs ? refs : list.refs);
    eval_refs_free(&refs);
    eval_predictions_free(&list);
    return 0;
}
