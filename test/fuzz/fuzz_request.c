/* fuzz_request.c - a request for captions: its query, the types that its headers name, its body.
 *
 * Input: query, Content-Type, Accept, Authorization and, behind the last separator, the body. */
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/fuzz.h"
#include "tools/common/json.h"
#include "tools/serve/answer.h"
#include "tools/serve/request.h"

/* A part as a text, owned by the caller. */
static char *text_of(fuzz_bytes part)
{
    char *text = malloc(part.size + 1);
    fuzz_need(text != NULL);
    memcpy(text, part.data, part.size);
    text[part.size] = '\0';
    return text;
}

/* Every file lies within the body, and names end. */
static void look(const serve_input *input, const serve_file *files, size_t count)
{
    fuzz_need(count >= 1 && count <= SERVE_MOST_FILES);
    for (size_t i = 0; i < count; i++) {
        fuzz_need(files[i].data >= input->body && files[i].size <= input->size);
        fuzz_need((size_t)(files[i].data - input->body) <= input->size - files[i].size);
        fuzz_need(memchr(files[i].name, '\0', sizeof files[i].name) != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static serve_file files[SERVE_MOST_FILES];
    const serve_bounds bounds = {.beams = 5, .max_length = 20, .most_beams = 10, .most_max_length = 50};
    fuzz_bytes parts[5];
    char *texts[4];
    fuzz_split((fuzz_bytes){data, size}, parts, 5);
    for (int i = 0; i < 4; i++) texts[i] = text_of(parts[i]);
    for (serve_kind kind = SERVE_CAPTION; kind <= SERVE_EXPLAIN; kind++) {
        const serve_input input = {.query = texts[0],
                                   .content_type = texts[1],
                                   .body = (const char *)parts[4].data,
                                   .size = parts[4].size,
                                   .kind = kind};
        serve_wish wish;
        serve_refusal refusal = {0, NULL};
        size_t count = 0;
        if (serve_request_read(&input, &bounds, &wish, files, &count, &refusal)) {
            look(&input, files, count);
            fuzz_need(wish.beams >= 1 && wish.beams <= 10 && wish.max_length >= 1 && wish.max_length <= 50 &&
                      wish.map <= TOOL_MAPS);
        } else {
            fuzz_need(refusal.status == 400 || refusal.status == 422);
            char *answer = serve_answer_text(serve_answer_error(refusal.detail));
            fuzz_need(answer != NULL);
            free(answer);
        }
    }
    (void)serve_accepts_lines(texts[2]);
    fuzz_need(!serve_authorised(texts[3], "token") || strlen(texts[3]) >= 12);
    for (int i = 0; i < 4; i++) free(texts[i]);
    return 0;
}
