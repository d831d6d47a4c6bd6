/* Drivers in the manner of a vendor's, for an nRF51822: instances as structures, register blocks
 * as arguments, pins by table, handlers. It runs on QEMU's microbit.
 */
#include "nrf51.h"

#define NOINLINE __attribute__((noinline))

typedef struct {
    NRF_UART_Type *p_reg;
    uint8_t id;
} uart_t;

typedef struct {
    uint32_t pseltxd, pselrxd, baudrate;
    uint8_t parity;
} uart_config_t;

typedef struct {
    NRF_TIMER_Type *p_reg;
    uint8_t id, channels;
} timer_t;

typedef void (*handler_t)(uint32_t event, void *context);

static struct control {
    NRF_UART_Type *p_uart;
    handler_t handler;
    const char *p_tx;
    uint32_t left;
} m_uart;

static const timer_t timers[] = {{NRF_TIMER0, 0, 4}, {NRF_TIMER1, 1, 4}, {NRF_TIMER2, 2, 4}};
static const uint8_t rows[] = {13, 14, 15};
static const uint8_t columns[] = {4, 5, 6, 7, 8, 9, 10, 11, 12};
static volatile uint32_t ticks;

/* ---- pins ---- */

static inline void gpio_cfg(uint32_t pin, uint32_t direction, uint32_t input, uint32_t pull)
{
    NRF_GPIO->PIN_CNF[pin] = direction | (input << 1) | (pull << 2);
}

NOINLINE void gpio_cfg_output(uint32_t pin)
{
    gpio_cfg(pin, 1, 1, 0);
}

NOINLINE void gpio_cfg_input(uint32_t pin, uint32_t pull)
{
    gpio_cfg(pin, 0, 0, pull);
}

static void display_init(void)
{
    for (unsigned i = 0; i < sizeof rows; i++)
        gpio_cfg_output(rows[i]);
    for (unsigned i = 0; i < sizeof columns; i++) {
        gpio_cfg_output(columns[i]);
        NRF_GPIO->OUTSET = 1u << columns[i];
    }
    gpio_cfg_input(17, 3);
    gpio_cfg_input(26, 3);
}

/* ---- uart ---- */

NOINLINE static void uart_apply(NRF_UART_Type *p_reg, const uart_config_t *config)
{
    NRF_GPIO->OUTSET = 1u << config->pseltxd;
    gpio_cfg_output(config->pseltxd);
    gpio_cfg_input(config->pselrxd, 0);
    p_reg->BAUDRATE = config->baudrate;
    p_reg->CONFIG = config->parity ? 0xeu : 0;
    p_reg->PSELTXD = config->pseltxd;
    p_reg->PSELRXD = config->pselrxd;
}

NOINLINE int uart_init(const uart_t *uart, const uart_config_t *config, handler_t handler)
{
    if (m_uart.p_uart != 0)
        return 8;
    m_uart.p_uart = uart->p_reg;
    m_uart.handler = handler;
    uart_apply(uart->p_reg, config);
    uart->p_reg->EVENTS_TXDRDY = 0;
    uart->p_reg->INTENSET = handler ? 1u << 7 : 0;
    uart->p_reg->ENABLE = 4;
    return 0;
}

NOINLINE static void uart_put(NRF_UART_Type *p_reg, char letter)
{
    p_reg->EVENTS_TXDRDY = 0;
    p_reg->TXD = (uint8_t)letter;
}

NOINLINE void uart_tx(const uart_t *uart, const char *text, uint32_t length)
{
    m_uart.p_tx = text;
    m_uart.left = length;
    uart->p_reg->TASKS_STARTTX = 1;
    uart_put(uart->p_reg, *m_uart.p_tx++);
}

void UART0_IRQHandler(void)
{
    if (m_uart.p_uart->EVENTS_TXDRDY == 0)
        return;
    m_uart.p_uart->EVENTS_TXDRDY = 0;
    if (--m_uart.left == 0) {
        m_uart.p_uart->TASKS_STOPTX = 1;
        m_uart.handler(1, &m_uart);
        return;
    }
    m_uart.p_uart->TXD = (uint8_t)*m_uart.p_tx++;
}

/* ---- timers ---- */

NOINLINE void timer_init(const timer_t *timer, uint32_t prescaler, uint32_t bits)
{
    timer->p_reg->TASKS_STOP = 1;
    timer->p_reg->MODE = 0;
    timer->p_reg->BITMODE = bits;
    timer->p_reg->PRESCALER = prescaler;
    timer->p_reg->TASKS_CLEAR = 1;
    for (uint32_t channel = 0; channel < timer->channels; channel++) {
        timer->p_reg->EVENTS_COMPARE[channel] = 0;
        timer->p_reg->CC[channel] = 0;
    }
}

NOINLINE void timer_compare(const timer_t *timer, uint32_t channel, uint32_t value)
{
    timer->p_reg->CC[channel] = value;
    timer->p_reg->SHORTS |= 1u << channel;
    timer->p_reg->INTENSET = 1u << (16 + channel);
}

NOINLINE uint32_t timer_capture(NRF_TIMER_Type *p_reg, uint32_t channel)
{
    p_reg->TASKS_CAPTURE[channel] = 1;
    return p_reg->CC[channel];
}

void TIMER0_IRQHandler(void)
{
    if (NRF_TIMER0->EVENTS_COMPARE[0] != 0) {
        NRF_TIMER0->EVENTS_COMPARE[0] = 0;
        ticks++;
        if (ticks & 1)
            NRF_GPIO->OUTSET = 1u << rows[ticks % 3];
        else
            NRF_GPIO->OUTCLR = 1u << rows[ticks % 3];
    }
}

/* ---- random numbers ---- */

static uint32_t random_byte(void)
{
    NRF_RNG->TASKS_START = 1;
    for (int tries = 0; tries < 10000 && NRF_RNG->EVENTS_VALRDY == 0; tries++) {
    }
    NRF_RNG->EVENTS_VALRDY = 0;
    NRF_RNG->TASKS_STOP = 1;
    return NRF_RNG->VALUE;
}

static volatile uint32_t done;

static void on_uart(uint32_t event, void *context)
{
    (void)context;
    done = event;
    NRF_GPIO->OUTSET = 1u << 13;
}

static const uart_t uart = {NRF_UART0, 0};
static const uart_config_t uart_config = {24, 25, 0x01d7e000, 0};

int main(void)
{
    display_init();
    uart_init(&uart, &uart_config, on_uart);
    for (unsigned i = 0; i < sizeof timers / sizeof timers[0]; i++)
        timer_init(&timers[i], 4 + i, i == 0 ? 3 : 0);
    timer_compare(&timers[0], 0, 2000);
    timer_compare(&timers[1], 2, 500);
    NVIC_ISER = (1u << 2) | (1u << 8);
    timers[0].p_reg->TASKS_START = 1;
    uart_tx(&uart, "boot\r\n", 6);
    for (;;) {
        uint32_t seed = random_byte();
        gpio_cfg_output(columns[seed % sizeof columns]);
        timer_capture(timers[1].p_reg, seed & 3);
        __asm volatile("wfi");
    }
}
