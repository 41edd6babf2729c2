/* cpu.h - which instruction sets can be used: this build has kernels for them, the processor has them, and
 * the operating system saves their registers. */
#ifndef CPT_CPU_H
#define CPT_CPU_H

#include <stdint.h>

/* Returns CAPTION_CPU_ bits. */
uint32_t cpt_cpu_detect(void);

#endif
