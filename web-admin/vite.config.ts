/// <reference types="vitest/config" />
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Where `npm run dev` finds a running control plane. */
const CONTROL_PLANE = 'http://127.0.0.1:8081';

export default defineConfig({
  plugins: [react()],
  server: { proxy: { '/auth': CONTROL_PLANE, '/graphql': CONTROL_PLANE, '/reports': CONTROL_PLANE } },
  build: {
    rolldownOptions: {
      output: {
        // Libraries change seldom: apart from our code, their chunks stay cached over most releases.
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules[\\/](react|react-dom|react-router|scheduler)[\\/]/, priority: 2 },
            { name: 'mantine', test: /node_modules[\\/]@(mantine|floating-ui)[\\/]/, priority: 2 },
            { name: 'vendor', test: /node_modules[\\/]/, priority: 1 },
          ],
        },
      },
    },
  },
  test: { environment: 'happy-dom', include: ['src/**/*.test.{ts,tsx}'], setupFiles: ['src/testing/setup.ts'] },
});
