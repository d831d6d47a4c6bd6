#include "nrf51.h"

#define BAUD 0x01D7E000UL /* 115200 Bd */
#define UART_CONFIG_PARITY_Msk (0x7UL << 1)
#ifndef PIN_TX
#define PIN_TX 24
#endif

typedef struct {
    volatile uint32_t TASKS_STARTRX;
    volatile uint32_t TASKS_STOPRX;
    uint32_t reserved[3];
} UART_Regs;

enum { UART0_IRQn = 2, TIMER0_IRQn = 8 };

void UART0_IRQHandler(void) { NRF_UART0->EVENTS_RXDRDY = 0; }

static void uart_init(NRF_UART_Type *uart)
{
    uart->BAUDRATE = BAUD;
    NRF_UART0->ENABLE = 4; // Enabled
    NRF_UART0->CONFIG |= (1 << 0) | UART_CONFIG_PARITY_Msk | UART_CONFIG_HWFCC;
    NRF_UART0->BUADRATE = 115200; // silk: allow(register) a slip, for the test
    *(volatile uint32_t *)0x4000250C = PIN_TX;
    NRF_TIMER0->CC[1] = ~(1u << 3);
}
