/* Drivers for a SiFive FE310-G002: the same shapes as in stm32f4.c, for RV32IMAC. It runs on
 * QEMU's sifive_e. Layout: FE310-G002 Manual v1p5, chapters 9 (CLINT), 10 (PLIC), 16 (PRCI), 17
 * (GPIO), 18 (UART), 20 (PWM).
 */
#include <stdint.h>

#define __IO volatile
#define NOINLINE __attribute__((noinline))

typedef struct {
    __IO uint32_t txdata, rxdata, txctrl, rxctrl, ie, ip, div;
} uart_regs_t;

typedef struct {
    __IO uint32_t input_val, input_en, output_en, output_val, pue, ds, rise_ie, rise_ip, fall_ie,
        fall_ip, high_ie, high_ip, low_ie, low_ip, iof_en, iof_sel, out_xor;
} gpio_regs_t;

typedef struct {
    __IO uint32_t pwmcfg, reserved0, pwmcount, reserved1, pwms, reserved2[3], pwmcmp[4];
} pwm_regs_t;

#define UART0 ((uart_regs_t *)0x10013000)
#define UART1 ((uart_regs_t *)0x10023000)
#define GPIO0 ((gpio_regs_t *)0x10012000)
#define PWM0 ((pwm_regs_t *)0x10015000)
#define PWM1 ((pwm_regs_t *)0x10025000)
#define PWM2 ((pwm_regs_t *)0x10035000)
#define PRCI_HFROSCCFG (*(__IO uint32_t *)0x10008000)
#define PRCI_PLLCFG (*(__IO uint32_t *)0x10008008)
#define CLINT_MTIME (*(__IO uint32_t *)0x0200bff8)
#define CLINT_MTIMECMP ((__IO uint32_t *)0x02004000)
#define PLIC_PRIORITY ((__IO uint32_t *)0x0c000000)
#define PLIC_ENABLE ((__IO uint32_t *)0x0c002000)

struct uart {
    uart_regs_t *regs;
    uint32_t divisor;
    const char *name;
};

static struct uart uart0 = {.divisor = 138}, uart1 = {UART1, 1666, "one"};
static struct uart *const uarts[] = {&uart0, &uart1};
static pwm_regs_t *const pwms[] = {PWM0, PWM1, PWM2};
static const uint8_t leds[] = {19, 21, 22};
static volatile uint32_t rounds;

NOINLINE void uart_init(struct uart *uart)
{
    uart->regs->div = uart->divisor;
    uart->regs->txctrl = 1;
    uart->regs->rxctrl |= 1;
    uart->regs->ie &= ~3u;
}

NOINLINE void uart_put(uart_regs_t *regs, char letter)
{
    for (int tries = 0; tries < 1000 && (int32_t)regs->txdata < 0; tries++) {
    }
    regs->txdata = (uint8_t)letter;
}

NOINLINE void uart_puts(struct uart *uart, const char *text)
{
    while (*text)
        uart_put(uart->regs, *text++);
}

NOINLINE void gpio_function(gpio_regs_t *gpio, uint32_t pin, uint32_t function)
{
    gpio->iof_sel = (gpio->iof_sel & ~(1u << pin)) | (function << pin);
    gpio->iof_en |= 1u << pin;
}

NOINLINE void gpio_output(gpio_regs_t *gpio, uint32_t pin)
{
    gpio->output_en |= 1u << pin;
    gpio->output_val &= ~(1u << pin);
}

NOINLINE void pwm_set(pwm_regs_t *pwm, uint32_t channel, uint32_t value)
{
    pwm->pwmcfg = (1u << 12) | 4;
    pwm->pwmcmp[channel] = value;
}

NOINLINE uint32_t command(uint32_t number, uint32_t argument)
{
    switch (number) {
    case 0: GPIO0->output_val = argument; return 1;
    case 1: GPIO0->pue = argument; return 2;
    case 2: GPIO0->out_xor = argument; return 3;
    case 3: PWM0->pwmcount = argument; return 4;
    case 4: PWM1->pwmcount = argument; return 5;
    case 5: PWM2->pwmcount = argument; return 6;
    default: return 0;
    }
}

int main(void)
{
    PRCI_HFROSCCFG |= 1u << 30;
    PRCI_PLLCFG = (PRCI_PLLCFG & ~0x3ffu) | 0x1f1u;
    PRCI_PLLCFG |= 1u << 18;
    gpio_function(GPIO0, 16, 0);
    gpio_function(GPIO0, 17, 0);
    for (unsigned i = 0; i < sizeof leds; i++)
        gpio_output(GPIO0, leds[i]);
    uart0.regs = UART0;
    for (unsigned i = 0; i < sizeof uarts / sizeof uarts[0]; i++)
        uart_init(uarts[i]);
    uart_puts(&uart0, "boot\r\n");
    uart_puts(&uart1, uart1.name);
    for (uint32_t i = 0; i < 3; i++)
        for (uint32_t channel = 1; channel < 4; channel++)
            pwm_set(pwms[i], channel, 100 * channel);
    for (uint32_t source = 1; source < 8; source++)
        PLIC_PRIORITY[source] = 1;
    PLIC_ENABLE[0] = 0xfe;
    CLINT_MTIMECMP[0] = CLINT_MTIME + 1000;
    CLINT_MTIMECMP[1] = 0;
    for (;;) {
        rounds += command(rounds % 6, rounds);
        pwm_set(pwms[rounds % 3], rounds & 3, rounds);
        GPIO0->output_val ^= 1u << leds[rounds % 3];
    }
}

__attribute__((naked, noreturn, section(".start"))) void _start(void)
{
    __asm volatile(".option push\n"
                   ".option norelax\n"
                   "la gp, __global_pointer$\n"
                   ".option pop\n"
                   "la sp, stack_top\n"
                   "la a0, data_load\n"
                   "la a1, data_start\n"
                   "la a2, data_end\n"
                   "1: bgeu a1, a2, 2f\n"
                   "lw a3, 0(a0)\n"
                   "sw a3, 0(a1)\n"
                   "addi a0, a0, 4\n"
                   "addi a1, a1, 4\n"
                   "j 1b\n"
                   "2: call main\n"
                   "3: j 3b\n");
}
