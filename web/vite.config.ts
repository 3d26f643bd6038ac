import { defineConfig } from 'vitest/config';

// The pages are served under a strict Content-Security-Policy: every asset is a file of its own
// (no data: scripts, no inline polyfill).
export default defineConfig({
  build: {
    outDir: 'dist',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': { target: 'http://127.0.0.1:8080', ws: true } },
  },
  test: { include: ['src/**/*.test.{ts,tsx}'], environment: 'node', css: true },
});
