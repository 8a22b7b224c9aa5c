/** The organization's name; a menu where there are several. */
import { Button, Menu, Text } from '@mantine/core';
import type { Id } from '../../lib/scalars';
import { DownIcon } from '../../ui/icons';

interface Organization {
  id: Id;
  name: string;
}

interface Props {
  organizations: Organization[];
  organizationId: Id;
  onSwitch: (organizationId: Id) => void;
}

export function OrganizationSwitcher({ organizations, organizationId, onSwitch }: Props) {
  const current = organizations.find((organization) => organization.id === organizationId);
  const name = <Text component="span" fw={500} truncate>{current?.name ?? ''}</Text>;
  if (organizations.length < 2) return name;
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <Button variant="subtle" color="gray" px="xs" miw={0} rightSection={<DownIcon />} aria-label="Switch organization">
          {name}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {organizations.map(({ id, name: label }) => (
          <Menu.Item key={id} onClick={() => onSwitch(id)} aria-current={id === organizationId}>
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
