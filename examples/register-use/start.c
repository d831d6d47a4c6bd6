/* Start-up of both Cortex-M programs: vectors, copying and clearing of variables. */
#include <stdint.h>

extern uint32_t stack_top, data_load, data_start, data_end, bss_start, bss_end;
int main(void);

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

#define WEAK __attribute__((weak, alias("Default_Handler")))
void SysTick_Handler(void) WEAK;
void UART0_IRQHandler(void) WEAK;
void TIMER0_IRQHandler(void) WEAK;
void USART2_IRQHandler(void) WEAK;

typedef void (*vector)(void);

/* Interrupt 38 is USART2's on the STM32F405, 2 UART0's and 8 TIMER0's on the nRF51. */
__attribute__((section(".isr_vector"), used)) const vector g_pfnVectors[16 + 40] = {
    (vector)&stack_top, Reset_Handler, Default_Handler, Default_Handler,
    [15] = SysTick_Handler, [16 + 2] = UART0_IRQHandler, [16 + 8] = TIMER0_IRQHandler,
    [16 + 38] = USART2_IRQHandler,
};
