/** The frame of every page: which organization, who is signed in, the way out. */
import { AppShell, Button, Container, Group, Text, UnstyledButton } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link, NavLink } from 'react-router';
import { useQuery } from 'urql';
import type { Id } from '../../lib/scalars';
import { WaterIcon } from '../../ui/icons';
import { OrganizationSwitcher } from './organization-switcher';
import { PersonMenu } from './person-menu';
import { ViewerQuery } from './queries';
import classes from './shell.module.css';

interface Props {
  organizationId: Id;
  pages: { label: string; path: string }[];
  onSwitch: (organizationId: Id) => void;
  children: ReactNode;
}

export function Shell({ organizationId, pages, onSwitch, children }: Props) {
  const [{ data }] = useQuery({ query: ViewerQuery });
  return (
    <AppShell header={{ height: 56 }}>
      <AppShell.Header>
        <Container size="xl" h="100%">
          <Group h="100%" justify="space-between" wrap="nowrap">
            <Group gap="sm" wrap="nowrap" miw={0}>
              <UnstyledButton component={Link} to="/" aria-label="Weir, start page" c="var(--mantine-primary-color-filled)">
                <Group gap={6} wrap="nowrap">
                  <WaterIcon />
                  <Text fw={700} c="var(--mantine-color-text)" visibleFrom="xs">Weir</Text>
                </Group>
              </UnstyledButton>
              <Text c="dimmed" aria-hidden="true">/</Text>
              <OrganizationSwitcher
                organizations={data?.viewer.memberships.map((membership) => membership.organization) ?? []}
                organizationId={organizationId}
                onSwitch={onSwitch}
              />
            </Group>
            <PersonMenu person={data?.viewer.person ?? null} />
          </Group>
        </Container>
      </AppShell.Header>
      <AppShell.Main>
        <Container size="xl" py="lg">
          <Group component="nav" aria-label="Pages" gap="xs" mb="lg">
            {pages.map(({ label, path }) => (
              <Button key={path} component={NavLink} to={path} variant="subtle" color="gray" size="compact-md" className={classes.page}>
                {label}
              </Button>
            ))}
          </Group>
          {children}
        </Container>
      </AppShell.Main>
    </AppShell>
  );
}
