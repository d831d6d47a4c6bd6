/* Vector table and reset for a Cortex-M0 (ARMv6-M ARM, DDI 0419E, B1.5.3). */
#include <stdint.h>

extern uint32_t __stack_top, __data_load, __data_start, __data_end, __bss_start, __bss_end;

int main(void);
void Reset_Handler(void);

void Default_Handler(void)
{
    for (;;) {
        __asm volatile("wfi");
    }
}

void NMI_Handler(void) __attribute__((weak, alias("Default_Handler")));
void HardFault_Handler(void) __attribute__((weak, alias("Default_Handler")));
void TIMER0_IRQHandler(void) __attribute__((weak, alias("Default_Handler")));

typedef void (*vector)(void);

__attribute__((section(".vectors"), used)) const vector vectors[16 + 32] = {
    (vector)&__stack_top,
    Reset_Handler,
    NMI_Handler,
    HardFault_Handler,
    [4 ... 15] = Default_Handler,
    [16 ... 23] = Default_Handler,
    [24] = TIMER0_IRQHandler, /* 16 + interrupt 8 */
    [25 ... 47] = Default_Handler,
};

void Reset_Handler(void)
{
    uint32_t *from = &__data_load;
    for (uint32_t *to = &__data_start; to < &__data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = &__bss_start; to < &__bss_end;) {
        *to++ = 0;
    }
    main();
    Default_Handler();
}
