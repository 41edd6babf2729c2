/* semihosting.c - a Cortex-M under QEMU as a board: start-up, and calls to the emulator (Arm's semihosting
 * specification, version 2).  BOARD_COUNTER is the address of a 32-bit counter of BOARD_HERTZ. */
#include <string.h>

#include "test/cortex-m/board.h"

int main(void);

/* ---- calls ---- */

enum {
    SYS_OPEN = 0x01,
    SYS_WRITE0 = 0x04,
    SYS_READ = 0x06,
    SYS_EXIT_EXTENDED = 0x20,
    OPEN_RB = 1,
    APPLICATION_EXIT = 0x20026,
};

static uint32_t call(uint32_t number, const void *argument)
{
    register uint32_t r0 __asm__("r0") = number;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void leave(uint32_t status)
{
    const uint32_t arguments[2] = {APPLICATION_EXIT, status};
    for (;;) call(SYS_EXIT_EXTENDED, arguments);
}

void board_print(const char *text)
{
    call(SYS_WRITE0, text);
}

bool board_read(void *to, size_t size)
{
    static uint32_t file; /* handles are not 0 */
    static const char name[] = "pictures.rgb";
    if (!file) {
        const uintptr_t open[3] = {(uintptr_t)name, OPEN_RB, sizeof name - 1};
        file = call(SYS_OPEN, open);
    }
    const uintptr_t read[3] = {file, (uintptr_t)to, size};
    return file != UINT32_MAX && call(SYS_READ, read) == 0; /* how many bytes are missing */
}

/* ---- memory ---- */

/* from the linker script */
extern uint32_t data_from[], data_start[], data_end[], bss_start[], bss_end[], stack_start[], stack_end[];
extern const unsigned char model_start[], model_end[];

enum { UNTOUCHED = 0x5AC3E187, MARGIN = 256 /* bytes below the stack pointer that `start` itself may use */ };

const void *board_model(size_t *size)
{
    *size = (size_t)(model_end - model_start);
    return *size ? model_start : NULL;
}

size_t board_stack(void)
{
    const uint32_t *word = stack_start;
    while (word < stack_end && *word == UNTOUCHED) word++;
    return (size_t)(stack_end - word) * sizeof *word;
}

uint64_t board_instructions(void)
{
    return (uint64_t) * (volatile uint32_t *)BOARD_COUNTER * 1000000 / (BOARD_HERTZ / 1000);
}

/* ---- start ---- */

static void fault(void)
{
    board_print("fault\n");
    leave(3);
}

void start(void); /* the linker script names it */
void start(void)
{
    volatile uint32_t *const cpacr = (volatile uint32_t *)0xE000ED88u;
    *cpacr |= 0xFu << 20; /* the floating-point unit, and with it the vector extension */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
    uintptr_t sp;
    __asm__ volatile("mov %0, sp" : "=r"(sp));
    for (uint32_t *word = stack_start; (uintptr_t)word < sp - MARGIN; word++) *word = UNTOUCHED;
    for (uint32_t *from = data_from, *to = data_start; to < data_end;) *to++ = *from++;
    for (uint32_t *to = bss_start; to < bss_end;) *to++ = 0;
    leave((uint32_t)main());
}

typedef void (*vector)(void);

/* The vectors of resets and faults; interrupts are not used. */
__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    (vector)(uintptr_t)stack_end,
    start,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault,
};
