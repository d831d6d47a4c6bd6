/* Vectors and the first steps. */
#include <stdint.h>

extern uint32_t stack_top, data_load, data_start, data_end, bss_start, bss_end;
int main(void);
void TIMER1_IRQHandler(void);

__attribute__((noreturn)) void Reset_Handler(void)
{
    uint32_t *from = &data_load;
    for (uint32_t *to = &data_start; to < &data_end;)
        *to++ = *from++;
    for (uint32_t *to = &bss_start; to < &bss_end;)
        *to++ = 0;
    main();
    for (;;) {
    }
}

void Default_Handler(void)
{
    for (;;) {
    }
}

typedef void (*vector)(void);

/* Interrupt 9 is TIMER1's. */
__attribute__((section(".isr_vector"), used)) const vector vectors[16 + 32] = {
    (vector)&stack_top, Reset_Handler, Default_Handler, Default_Handler,
    [16 + 9] = TIMER1_IRQHandler,
};
